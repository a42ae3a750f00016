/** A ClientHello in parts, as real TLS servers take it. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { secure } from '../../client/node/dialer/secure.ts';
import { splitRecord } from '../../client/node/dialer/split-hello.ts';
import { readServerName } from '../lab/client-hello.ts';
import { type Middlebox, startMiddlebox } from '../lab/middlebox.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { listen } from '../support/network/listen.ts';
import { until } from '../support/until.ts';

let certificate: Certificate;
let before: string[];
let toClose: (() => unknown)[] = [];

beforeAll(async () => {
  certificate = await makeCertificate();
  before = tls.getCACertificates();
  tls.setDefaultCACertificates([...before, certificate.cert]);
});

afterAll(() => tls.setDefaultCACertificates(before));

afterEach(async () => {
  for (const close of toClose.reverse()) await close();
  toClose = [];
});

interface Seen {
  box: Middlebox;
  up: Buffer;
  /** How many the server has open. */
  open(): Promise<number>;
}

/** An echoing TLS server, and what passes on the way up to it. */
async function startEcho(options: tls.TlsOptions): Promise<Seen> {
  const server = tls.createServer({ ...certificate, ...options }, (socket) => {
    socket.on('error', () => {}).pipe(socket);
  });
  const listening = await listen(server);
  toClose.push(() => listening.close());
  const box = await startMiddlebox(listening.port, [
    () => (packet, direction) => {
      if (direction === 'up') seen.up = Buffer.concat([seen.up, packet]);
      return undefined;
    },
  ]);
  toClose.push(() => box.close());
  const open = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  const seen: Seen = { box, up: Buffer.alloc(0), open };
  return seen;
}

async function secured(port: number, signal = new AbortController().signal): Promise<tls.TLSSocket> {
  const tcp = net.connect(port, '127.0.0.1');
  await once(tcp, 'connect');
  const socket = await secure(tcp, { name: 'localhost', split: true, ticket: undefined }, signal);
  toClose.push(() => socket.destroy());
  return socket;
}

/** Types of the records in a stream, and for a ClientHello's first part its message's. */
function recordTypes(stream: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 5 <= stream.length; at += 5 + stream.readUInt16BE(at + 3)) types.push(stream[at] as number);
  return types;
}

it.each<[string, tls.TlsOptions, number]>([
  ['TLS 1.3', { minVersion: 'TLSv1.3' }, 1],
  ['TLS 1.3 that asks for another key first, with a second ClientHello', { ecdhCurve: 'secp384r1' }, 2],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }, 1],
])('is taken by %s, and never shows the name', async (_, options, count) => {
  const seen = await startEcho(options);
  const socket = await secured(seen.box.port);
  const check = new KnownBytesCheck(1);
  socket.on('data', (bytes: Buffer) => check.feed(bytes));
  socket.write(new KnownBytes(1).next(300_000));
  while (check.length < 300_000) await once(socket, 'data');
  expect(readServerName(seen.up.subarray(0, 4000))).toEqual({ name: 'localhost' });
  expect(seen.up.includes('localhost')).toBe(false);
  // Each hello is two records here: 'localhost' is one label. TLS 1.2 has a handshake record of its own, and one that is sealed.
  const hellos = recordTypes(seen.up).filter((type) => type === 22).length - (options.maxVersion ? 2 : 0);
  expect(hellos).toBe(2 * count);
});

describe('a connection with it', () => {
  it('ends as any other, in both directions', async () => {
    const seen = await startEcho({});
    const socket = await secured(seen.box.port);
    socket.end('last');
    expect((await once(socket, 'data'))[0]).toEqual(Buffer.from('last'));
    await once(socket, 'close');
  });

  it('is lost when the network cuts it', async () => {
    const seen = await startEcho({});
    const socket = await secured(seen.box.port);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    seen.box.cutAll('rst');
    await closed;
  });

  it('is closed when it is destroyed', async () => {
    const seen = await startEcho({});
    const socket = await secured(seen.box.port);
    await until('it is there', async () => (await seen.open()) === 1);
    socket.destroy();
    await until('it is gone', async () => (await seen.open()) === 0);
  });

  it('holds a writer whose peer does not read', async () => {
    const server = tls.createServer(certificate, (socket) => void socket.on('error', () => {}).pause());
    const listening = await listen(server);
    toClose.push(() => listening.close());
    const socket = await secured(listening.port);
    let taken = 0;
    while (socket.write(Buffer.alloc(65_536)) && taken < 200) taken += 1;
    expect(taken).toBeLessThan(200);
  });
});

describe('a record', () => {
  async function clientHello(servername: string | undefined): Promise<Buffer> {
    const listening = await listen(net.createServer((socket) => socket.once('data', (bytes) => heard(bytes))));
    let heard: (bytes: Buffer) => void = () => {};
    const hello = new Promise<Buffer>((resolve) => {
      heard = resolve;
    });
    toClose.push(() => listening.close());
    tls.connect({ port: listening.port, host: '127.0.0.1', servername }).on('error', () => {});
    return hello;
  }

  it.each(['a.b', 'relay.example', 'my-site.somebody.workers.dev', 'x.example'])(
    'has no label of %s whole',
    async (name) => {
      const parts = splitRecord(Uint8Array.from(await clientHello(name)));
      expect(parts).toHaveLength(name.split('.').length + 1);
      expect(readServerName(Buffer.concat(parts))).toEqual({ name });
      for (const label of name.split('.').filter(({ length }) => length > 1))
        expect(Buffer.concat(parts).includes(label)).toBe(false);
    },
  );

  it('without a name, or that is none at all, stays as it is', async () => {
    const nameless = Uint8Array.from(await clientHello(undefined));
    expect(splitRecord(nameless)).toEqual([nameless]);
    const nonsense = Uint8Array.from(Buffer.from('160301000401ffffff', 'hex'));
    expect(splitRecord(nonsense)).toEqual([nonsense]);
  });
});
