/** The censor lab's own tests: each fault does what it says and only that, and its reports tell what happened. */
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Bulk, startBulk } from '../lab/bulk.ts';
import { readServerName } from '../lab/client-hello.ts';
import { converse } from '../lab/conversation.ts';
import { cutAfter, delay, filterNames, freezeAfter, limitHandshakes, throttle } from '../lab/faults.ts';
import { type Middlebox, startMiddlebox } from '../lab/middlebox.ts';
import { startTlsRelay, type TlsRelay } from '../lab/tls-relay.ts';
import { KnownBytes, KnownBytesCheck } from '../support/fixtures/bytes.ts';
import { type Certificate, makeCertificate } from '../support/fixtures/certificate.ts';
import { noisePicture } from '../support/fixtures/picture.ts';
import { Random } from '../support/network/simulation.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type ChatServer, startChatServer } from '../support/servers/chat-server.ts';
import { haproxyVersion } from '../support/servers/haproxy.ts';
import { until } from '../support/until.ts';

const MiB = 1024 * 1024;

let certificate: Certificate;
let backend: Backend;
let box: Middlebox;
let serve: (socket: net.Socket) => void;
const clients: net.Socket[] = [];

beforeAll(async () => {
  certificate = await makeCertificate();
  backend = await startBackend((socket) => serve(socket));
});

afterAll(() => backend.close());

beforeEach(async () => {
  box = await startMiddlebox(backend.port);
});

afterEach(async () => {
  for (const socket of [...clients.splice(0), ...backend.open]) socket.destroy();
  await box.close();
});

/** One end of a connection, and what it hears: bytes that must be the known stream, and `end` or, also after it, an error's code. */
interface End {
  socket: net.Socket;
  heard: KnownBytesCheck;
  ending?: string;
}

/** Much more than the kernel holds for two connections. */
const POURED_MAX = 128 * MiB;
const UP = 1;
const DOWN = 2;

function listen(socket: net.Socket, seed: number): End {
  const end: End = { socket, heard: new KnownBytesCheck(seed) };
  socket.on('data', (bytes) => end.heard.feed(bytes));
  socket.once('end', () => {
    end.ending ??= 'end';
  });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    end.ending = code ?? 'without a code';
  });
  return end;
}

function dial(): net.Socket {
  const client = net.connect({ port: box.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  clients.push(client);
  return client;
}

/** Both ends of a connection through the middlebox. */
async function connected(): Promise<{ client: End; server: End }> {
  const accepted = new Promise<net.Socket>((resolve) => {
    serve = resolve;
  });
  const client = listen(dial(), DOWN);
  return { client, server: listen(await accepted, UP) };
}

function bytes(seed: number, length: number): Buffer {
  return new KnownBytes(seed).next(length);
}

async function heard(end: End, length: number): Promise<void> {
  await until(`${length} bytes`, () => end.heard.length >= length);
}

async function bothEnd(client: End, server: End, ending: string): Promise<void> {
  await until('both ends hear it', () => client.ending !== undefined && server.ending !== undefined);
  expect([client.ending, server.ending]).toEqual([ending, ending]);
}

/** Writes as fast as the socket takes it; resolves to how much that was when it has stood still. */
async function pour(socket: net.Socket): Promise<number> {
  const source = new KnownBytes(UP);
  let offered = 0;
  let since = performance.now();
  const write = () => {
    do offered += 65_536;
    while (socket.write(source.next(65_536)) && offered < POURED_MAX);
    since = performance.now();
  };
  socket.on('drain', write);
  write();
  await until('it stands still', () => performance.now() - since > 300 || offered >= POURED_MAX);
  socket.off('drain', write);
  return offered;
}

/** Time enough for what must not come. */
const quiet = () => sleep(150);

describe('without faults', () => {
  it('lets the server answer after the client has finished, and the client after the server', async () => {
    const one = await connected();
    one.client.socket.end(bytes(UP, 10));
    await until('the FIN', () => one.server.ending === 'end');
    one.server.socket.end(bytes(DOWN, 20));
    await until('the other FIN', () => one.client.ending === 'end');
    expect([one.server.heard.length, one.client.heard.length]).toEqual([10, 20]);

    const other = await connected();
    other.server.socket.end();
    await until('the FIN', () => other.client.ending === 'end');
    other.client.socket.end(bytes(UP, 10));
    await until('the other FIN', () => other.server.ending === 'end');
    expect(other.server.heard.length).toBe(10);
  });

  it('passes a reset on, from either end', async () => {
    const one = await connected();
    one.client.socket.resetAndDestroy();
    await until('the reset', () => one.server.ending === 'ECONNRESET');
    const other = await connected();
    other.server.socket.resetAndDestroy();
    await until('the reset', () => other.client.ending === 'ECONNRESET');
  });

  it('holds a client whose server does not read, and counts what it delivers', async () => {
    const { client, server } = await connected();
    server.socket.pause();
    const offered = await pour(client.socket);
    expect(offered).toBeLessThan(POURED_MAX);
    client.socket.end();
    server.socket.resume();
    await until('the end', () => server.ending === 'end');
    expect([server.heard.length, box.up, box.down, box.accepted]).toEqual([offered, offered, 0, 1]);
  });
});

describe('cut', () => {
  it.each([
    ['rst', 'ECONNRESET'],
    ['fin', 'end'],
  ] as const)('by %s after exactly so many bytes of both directions', async (how, ending) => {
    box.faults = [cutAfter({ bytes: 5000 }, how)];
    const { client, server } = await connected();
    server.socket.write(bytes(DOWN, 2000));
    await heard(client, 2000);
    // More than the kernel takes: the client is still writing when it is cut.
    client.socket.write(bytes(UP, 16 * MiB));
    await bothEnd(client, server, ending);
    await quiet();
    expect([client.ending, server.ending]).toEqual([ending, ending]);
    expect([client.heard.length, server.heard.length]).toEqual([2000, 3000]);
  });

  it('after as many as are drawn for each connection', async () => {
    const random = new Random(1);
    const drawn: number[] = [];
    const draw = () => drawn[drawn.push(random.between(1, 50_000)) - 1] as number;
    box.faults = [cutAfter({ bytes: draw }, 'fin')];
    const passed: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { client, server } = await connected();
      client.socket.write(bytes(UP, 60_000));
      await bothEnd(client, server, 'end');
      passed.push(server.heard.length);
    }
    expect(passed).toEqual(drawn);
    expect(new Set(drawn).size).toBe(3);
  });

  it('after a time, idle or not', async () => {
    box.faults = [cutAfter({ ms: () => 100 }, 'rst')];
    const start = performance.now();
    const { client, server } = await connected();
    await bothEnd(client, server, 'ECONNRESET');
    expect(performance.now() - start).toBeGreaterThan(95);
  });

  it.each([
    ['rst', 'ECONNRESET'],
    ['fin', 'end'],
  ] as const)('at will by %s, and only what is open then', async (how, ending) => {
    const pairs = [await connected(), await connected()];
    box.cutAll(how);
    for (const { client, server } of pairs) await bothEnd(client, server, ending);
    const { client, server } = await connected();
    client.socket.write(bytes(UP, 10));
    await heard(server, 10);
  });
});

describe('freeze', () => {
  it('passes exactly so many bytes of both directions, then nothing, and tells nobody', async () => {
    box.faults = [freezeAfter({ bytes: 10_000 })];
    const { client, server } = await connected();
    server.socket.write(bytes(DOWN, 3000));
    await heard(client, 3000);
    client.socket.write(bytes(UP, 20_000));
    await heard(server, 7000);
    server.socket.end('lost');
    client.socket.end();
    await quiet();
    client.socket.resetAndDestroy();
    await quiet();
    expect([client.heard.length, server.heard.length]).toEqual([3000, 7000]);
    expect([client.ending, server.ending]).toEqual([undefined, undefined]);
    expect(server.socket.closed).toBe(false);
  });

  it.each(['up', 'down'] as const)(
    'of what goes %s lets everything pass in the other direction, but no FIN',
    async (direction) => {
      box.faults = [freezeAfter({ bytes: 10_000 }, direction)];
      const { client, server } = await connected();
      const [sender, receiver] = direction === 'up' ? [client, server] : [server, client];
      const [seed, other] = direction === 'up' ? [UP, DOWN] : [DOWN, UP];
      sender.socket.write(bytes(seed, 20_000));
      await heard(receiver, 10_000);
      receiver.socket.end(bytes(other, 20_000));
      await heard(sender, 20_000);
      await quiet();
      expect(receiver.heard.length).toBe(10_000);
      expect([client.ending, server.ending]).toEqual([undefined, undefined]);
    },
  );

  it('counts the other direction as well', async () => {
    box.faults = [freezeAfter({ bytes: 10_000 }, 'up')];
    const { client, server } = await connected();
    server.socket.write(bytes(DOWN, 20_000));
    await heard(client, 20_000);
    client.socket.end();
    await quiet();
    expect(server.ending).toBeUndefined();
  });

  it('passes 24 packets, 3 of them of the set-up, and not the 25th', async () => {
    box.faults = [freezeAfter({ packets: 24 })];
    serve = echo;
    const client = dial();
    let echoed = 0;
    client.on('data', ({ length }) => {
      echoed += length;
      client.write(Buffer.alloc(100));
    });
    client.write(Buffer.alloc(100));
    await until('10 echoes', () => echoed === 1000);
    await quiet();
    expect([box.up, box.down, echoed]).toEqual([1100, 1000, 1000]);
  });

  it('counts a packet for every 1,448 bytes', async () => {
    box.faults = [freezeAfter({ packets: 3 + 2 })];
    const { client, server } = await connected();
    client.socket.write(bytes(UP, 10_000));
    await heard(server, 2896);
    await quiet();
    expect(server.heard.length).toBe(2896);
  });

  it('counts each connection for itself, and faults changed later are for later connections', async () => {
    box.faults = [freezeAfter({ bytes: 1000 })];
    const [one, two] = [await connected(), await connected()];
    box.faults = [];
    const three = await connected();
    for (const { client } of [one, two, three]) client.socket.write(bytes(UP, 2000));
    await heard(three.server, 2000);
    await heard(one.server, 1000);
    await heard(two.server, 1000);
    await quiet();
    expect([one, two].map(({ server }) => server.heard.length)).toEqual([1000, 1000]);
  });
});

describe('slow', () => {
  it('throttles both directions together', async () => {
    box.faults = [throttle(100_000)];
    const { client, server } = await connected();
    const start = performance.now();
    client.socket.write(bytes(UP, 20_000));
    server.socket.write(bytes(DOWN, 20_000));
    await Promise.all([heard(client, 20_000), heard(server, 20_000)]);
    expect(performance.now() - start).toBeGreaterThan(350);
  });

  it('delays each way, keeps the order under jitter, and ends last', async () => {
    const random = new Random(1);
    box.faults = [delay(100, 50, () => random.fraction())];
    const { client, server } = await connected();
    const start = performance.now();
    const source = new KnownBytes(UP);
    for (let sent = 0; sent < 20; sent += 1) {
      client.socket.write(source.next(3000));
      await sleep(2);
    }
    client.socket.end();
    await until('the FIN', () => server.ending === 'end');
    expect(server.heard.length).toBe(60_000);
    server.socket.end(bytes(DOWN, 10));
    await heard(client, 10);
    expect(performance.now() - start).toBeGreaterThan(195);
  });

  it('holds no more than a bounded part of what it delays', async () => {
    box.faults = [delay(60_000)];
    const { client } = await connected();
    expect(await pour(client.socket)).toBeLessThan(POURED_MAX);
    expect(box.up).toBe(0);
  });

  it('takes more than one fault: what is delayed before a freeze still arrives', async () => {
    box.faults = [delay(50), throttle(200_000), freezeAfter({ bytes: 5000 }), freezeAfter({ bytes: 7000 })];
    const { client, server } = await connected();
    client.socket.write(bytes(UP, 10_000));
    await heard(server, 5000);
    await quiet();
    expect(server.heard.length).toBe(5000);
  });
});

describe('names', () => {
  /** The first bytes of a real TLS client. */
  async function clientHello(servername: string | undefined): Promise<Buffer> {
    const written = Promise.withResolvers<Buffer>();
    const wire = new Duplex({ read() {}, write: (chunk: Buffer) => written.resolve(chunk) });
    const client = tls.connect({ socket: wire, ...(servername === undefined ? {} : { servername }) });
    client.on('error', () => {});
    const hello = await written.promise;
    client.destroy();
    return hello;
  }

  /** The same message in records of so many bytes. */
  function inRecords(hello: Buffer, size: number): Buffer {
    const message = hello.subarray(5);
    const records: Buffer[] = [];
    for (let at = 0; at < message.length; at += size) {
      const fragment = message.subarray(at, at + size);
      records.push(Buffer.of(22, 3, 1, 0, fragment.length), fragment);
    }
    return Buffer.concat(records);
  }

  /** What a real TLS server's answer begins with, or how the connection ends without. */
  async function answerTo(pieces: Iterable<Buffer>): Promise<number | string | undefined> {
    serve = (socket) => new tls.TLSSocket(socket, { isServer: true, ...certificate }).on('error', () => {});
    const client = dial();
    let answer: number | string | undefined;
    client.once('data', ([first]) => {
      answer = first;
    });
    client.on('error', ({ code }: NodeJS.ErrnoException) => {
      answer = code;
    });
    await once(client, 'connect');
    for (const piece of pieces) {
      client.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('an answer', () => answer !== undefined, 1000).catch(() => {});
    return answer;
  }

  function* eachByte(hello: Buffer): Generator<Buffer> {
    for (const byte of hello) yield Buffer.of(byte);
  }

  it('reads a ClientHello once all of it is there, however it is cut into records', async () => {
    const hello = await clientHello('Blocked.Example');
    for (const stream of [hello, inRecords(hello, 3), inRecords(hello, 100)]) {
      for (let length = 0; length < stream.length; length += 1) {
        expect(readServerName(stream.subarray(0, length))).toBe('more');
      }
      expect(readServerName(stream)).toEqual({ name: 'blocked.example' });
      expect(readServerName(Buffer.concat([stream, Buffer.from('early data')]))).toEqual({ name: 'blocked.example' });
    }
  });

  it('reads nothing in anything else', async () => {
    expect(readServerName(await clientHello(undefined))).toBeUndefined();
    expect(readServerName(Buffer.from('GET / HTTP/1.1\r\n'))).toBeUndefined();
    const serverHello = Buffer.from('160303000402000000', 'hex');
    expect(readServerName(serverHello)).toBeUndefined();
    const tooShort = Buffer.from('16030300050100000103', 'hex');
    expect(readServerName(tooShort)).toBeUndefined();
    const endless = Buffer.concat([Buffer.from('16ffffffff01ffffff', 'hex'), Buffer.alloc(20_000)]);
    expect(readServerName(endless)).toBeUndefined();
  });

  it.each(['blocked.example', 'sub.blocked.example'])('answers %s by a reset, however it is sent', async (name) => {
    box.faults = [filterNames(['blocked.example'], 'rst')];
    const hello = await clientHello(name);
    expect(await answerTo([hello])).toBe('ECONNRESET');
    expect(await answerTo(eachByte(hello))).toBe('ECONNRESET');
    expect(await answerTo([inRecords(hello, 100)])).toBe('ECONNRESET');
    expect(await answerTo(eachByte(inRecords(hello, 50)))).toBe('ECONNRESET');
  });

  it('passes other names, however they are sent', async () => {
    box.faults = [filterNames(['blocked.example'], 'rst')];
    for (const name of ['unblocked.example', 'blocked.example.org', 'example']) {
      const hello = await clientHello(name);
      expect(await answerTo([hello])).toBe(22);
      expect(await answerTo(eachByte(hello))).toBe(22);
      expect(await answerTo([inRecords(hello, 100)])).toBe(22);
    }
  });

  it('freezes a name silently where it is to', async () => {
    box.faults = [filterNames(['blocked.example'], 'freeze')];
    expect(await answerTo([await clientHello('blocked.example')])).toBeUndefined();
    expect(await answerTo([await clientHello('other.example')])).toBe(22);
  });

  it('leaves what is not TLS alone', async () => {
    box.faults = [filterNames(['blocked.example'], 'rst')];
    const { client, server } = await connected();
    client.socket.write(bytes(UP, 100_000));
    server.socket.write(bytes(DOWN, 100_000));
    await Promise.all([heard(server, 100_000), heard(client, 100_000)]);
  });
});

describe('refusal', () => {
  async function refused(how = 'ECONNRESET'): Promise<void> {
    const before = backend.accepted;
    const client = listen(dial(), DOWN);
    await until('the refusal', () => client.ending === how);
    expect(backend.accepted).toBe(before);
  }

  it('resets what is more than so many handshakes a minute', async () => {
    let now = 5000;
    box.faults = [limitHandshakes(2, () => now)];
    await connected();
    now += 30_000;
    await connected();
    await refused();
    now += 29_999;
    await refused();
    now += 1;
    const { client, server } = await connected();
    await refused();
    client.socket.write(bytes(UP, 10));
    await heard(server, 10);
    expect(box.accepted).toBe(6);
  });

  it('of an address refuses what is new and freezes what is open', async () => {
    const { client, server } = await connected();
    const source = new KnownBytes(UP);
    client.socket.write(source.next(10));
    await heard(server, 10);
    box.block();
    await refused('ECONNREFUSED');
    client.socket.write(source.next(10));
    server.socket.end(bytes(DOWN, 10));
    await quiet();
    client.socket.resetAndDestroy();
    await quiet();
    expect([server.heard.length, client.heard.length, client.ending, server.ending]).toEqual([
      10,
      0,
      undefined,
      undefined,
    ]);
    box.unblock();
    const again = await connected();
    again.client.socket.write(bytes(UP, 10));
    await heard(again.server, 10);
  });
});

describe('close', () => {
  /** What keeps this process busy, by kind. */
  function resources(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) {
      if (/^(TCP|Timeout)/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  it('leaves no socket and no timer behind', async () => {
    await box.close();
    await until('nothing is left of other tests', () => backend.open.size === 0);
    const before = resources();
    box = await startMiddlebox(backend.port, [throttle(100), delay(10_000), cutAfter({ ms: 60_000 }, 'rst')]);
    const slow = await connected();
    slow.client.socket.write(bytes(UP, 100_000));
    slow.server.socket.end(bytes(DOWN, 100_000));
    box.faults = [freezeAfter({ bytes: 100 })];
    const frozen = await connected();
    frozen.client.socket.end(bytes(UP, 1000));
    box.faults = [cutAfter({ bytes: 100 }, 'fin')];
    const cut = await connected();
    cut.client.socket.write(bytes(UP, 1000));
    await heard(frozen.server, 100);
    await heard(cut.server, 100);
    await box.close();
    for (const socket of [...clients.splice(0), ...backend.open]) socket.destroy();
    await until('as many as before', () => JSON.stringify(resources()) === JSON.stringify(before), 2000);
  });
});

describe.each(haproxyVersion() ? (['haproxy', 'node'] as const) : (['node'] as const))('a TLS relay: %s', (kind) => {
  const PICTURE = 256 * 1024;
  const LENGTH = 4 * MiB;
  let chat: ChatServer;
  let bulk: Bulk;
  let relays: TlsRelay[];

  beforeAll(async () => {
    chat = await startChatServer();
    bulk = await startBulk(LENGTH);
    relays = await Promise.all([chat, bulk].map(({ port }) => startTlsRelay(port, certificate, kind)));
  });

  afterAll(async () => {
    for (const relay of relays) await relay.close();
    await bulk.close();
    await chat.close();
  });

  /** Lets the middlebox stand before the relay to the chat server, or to the bulk server. */
  async function standBefore(which: 0 | 1): Promise<void> {
    await box.close();
    box = await startMiddlebox(relays[which]?.port as number);
  }

  const secured = () =>
    tls.connect({ port: box.port, host: '127.0.0.1', servername: 'localhost', ca: certificate.cert });

  it('carries a conversation and a picture', async () => {
    await standBefore(0);
    const { delivered, lost, duplicated } = await converse(secured, { ca: chat.ca });
    expect([lost, duplicated]).toEqual([0, 0]);
    expect(delivered).toBeGreaterThan(noisePicture(PICTURE).length + 200);
    expect(box.accepted).toBe(2);
  });

  it('loses the tail of the conversation and the picture when connections freeze after 16 KB', async () => {
    await standBefore(0);
    box.faults = [freezeAfter({ bytes: 16 * 1024 })];
    const start = performance.now();
    const { delivered, lost, duplicated } = await converse(secured, { ca: chat.ca, deadline: 1500 });
    expect(delivered).toBeGreaterThan(0);
    expect(lost).toBeGreaterThan(noisePicture(PICTURE).length);
    expect(duplicated).toBe(0);
    // Nobody was told.
    expect(performance.now() - start).toBeGreaterThan(1400);
  });

  it('carries bulk both ways at once', async () => {
    await standBefore(1);
    expect(await bulk.transfer(secured())).toEqual({ delivered: 2 * LENGTH, lost: 0, duplicated: 0 });
    expect(box.up).toBeGreaterThan(LENGTH);
    expect(box.down).toBeGreaterThan(LENGTH);
  });

  it('loses what comes after a cut', async () => {
    await standBefore(1);
    // Slowly: what an end has not read yet when it is reset is lost, too.
    box.faults = [throttle(1_000_000), cutAfter({ bytes: 300_000 }, 'rst')];
    // A deadline beyond the test's: the end must be heard at both ends.
    const { delivered, lost, duplicated } = await bulk.transfer(secured(), 120_000);
    expect(delivered).toBeGreaterThan(0);
    expect(delivered).toBeLessThan(300_000);
    expect([delivered + lost, duplicated]).toEqual([2 * LENGTH, 0]);
  });
});

describe('the reports', () => {
  it('of a bulk transfer count what comes over a second connection as duplicated, and take no wrong bytes', async () => {
    const bulk = await startBulk(1 * MiB);
    try {
      const open = () => clients[clients.push(net.connect(bulk.port, '127.0.0.1')) - 1] as net.Socket;
      const stream = open();
      await once(stream, 'connect');
      open().end(bytes(UP, 1000));
      await quiet();
      expect(await bulk.transfer(stream)).toMatchObject({ lost: 0, duplicated: 1000 });
      const wrong = open();
      wrong.write('x');
      await expect(bulk.transfer(wrong)).rejects.toThrow('wrong bytes');
    } finally {
      await bulk.close();
    }
  });

  it('of a conversation count what comes twice, and take no message that was not sent', async () => {
    const chat = await startChatServer();
    const open = () => clients[clients.push(net.connect(chat.port, '127.0.0.1')) - 1] as net.Socket;
    const spy = new MqttClient(() => tls.connect({ socket: open(), servername: 'localhost', ca: chat.ca }), {
      reconnectPeriod: 0,
    });
    spy.on('error', () => {});
    try {
      await spy.subscribeAsync('#');
      let say: (payload: Buffer) => string | Buffer = (payload) => payload;
      const repeated = new Set<string>();
      spy.on('message', (topic, payload) => {
        // What it has said itself comes back to it.
        if (repeated.size === repeated.add(payload.toString()).size) return;
        spy.publish(topic, say(payload));
      });
      const { lost, duplicated } = await converse(open, { ca: chat.ca, messages: 20, pictureSize: 1000 });
      expect(lost).toBe(0);
      expect(duplicated).toBeGreaterThan(0);
      repeated.clear();
      say = () => 'never sent';
      await expect(converse(open, { ca: chat.ca })).rejects.toThrow('another message');
    } finally {
      await spy.endAsync(true);
      await chat.close();
    }
  });

  it('of a conversation that cannot begin come by the deadline', async () => {
    serve = () => {};
    const open = () => clients[clients.push(net.connect(backend.port, '127.0.0.1')) - 1] as net.Socket;
    const { delivered, duplicated } = await converse(open, { ca: certificate.cert, deadline: 300 });
    expect([delivered, duplicated]).toEqual([0, 0]);
  });
});
