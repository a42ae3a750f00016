/** How sessions open and end, through the real Worker over a real port. */
import { once } from 'node:events';
import type net from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, createConnection } from '../../client/node/index.ts';
import { toUtf8 } from '../../protocol/bytes.ts';
import { resetOf } from '../../protocol/errors.ts';
import { failure } from '../support/failure.ts';
import { openHello, RawClient } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend, startSilentBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

let backend: Backend;
let silent: Awaited<ReturnType<typeof startSilentBackend>>;
let relay: Relay;
let serve: (socket: net.Socket) => void;

beforeAll(async () => {
  backend = await startBackend((socket) => serve(socket));
  silent = await startSilentBackend();
  relay = await startRelay({ BACKENDS: `${backend.entry}, ${silent.address}, 127.0.0.1:1, name.invalid:443` });
});

afterAll(async () => {
  await relay.close();
  await silent.close();
  await backend.close();
});

// One that fails must not fail the next.
afterEach(() => {
  for (const socket of backend.open) socket.destroy();
});

const open = (address = backend.address, link = relay.link) => createConnection(address, { relay: link });

describe('half-close', () => {
  it('lets the backend answer after the client has finished', async () => {
    serve = async (socket) => socket.end(`got ${await text(socket)}`);
    const socket = open();
    socket.end('a question');
    expect(await text(socket)).toBe('got a question');
  });

  it('lets the client go on after the backend has finished', async () => {
    const received = new Promise<string>((resolve) => {
      serve = (socket) => {
        socket.end('a greeting');
        resolve(text(socket));
      };
    });
    const socket = createConnection(backend.address, { relay: relay.link, allowHalfOpen: true });
    expect(await text(socket)).toBe('a greeting');
    socket.write('an ');
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.end('answer');
    expect(await received).toBe('an answer');
  });

  it('of the backend ends the client too, unless it wants to go on, as with net.connect', async () => {
    serve = (socket) => socket.on('end', () => socket.destroy()).end('bye');
    const socket = open();
    const closed = once(socket, 'close');
    expect(await text(socket)).toBe('bye');
    await closed;
    await until('the backend has closed', () => backend.open.size === 0);
  });

  it('may come from both sides at once, with nothing said', async () => {
    serve = (socket) => socket.end();
    const socket = open();
    socket.end();
    expect(await text(socket)).toBe('');
    await until('the backend has closed', () => backend.open.size === 0);
  });

  it('delivers what was written before destroy()', async () => {
    const received = new Promise<string>((resolve) => {
      serve = (socket) => resolve(text(socket).finally(() => socket.end()));
    });
    const socket = open();
    await once(socket, 'connect');
    const long = 'x'.repeat(200_000);
    await new Promise((resolve) => socket.write(long, resolve));
    socket.destroy();
    expect((await received).length).toBe(long.length);
  });
});

describe('a broken backend', () => {
  it('is told to the client', async () => {
    serve = (socket) => socket.once('data', () => socket.resetAndDestroy());
    const socket = open();
    socket.write('break');
    expect((await failure(socket)).code).toBe('backend-reset');
  });

  it.each([
    ['is not on the list', () => '127.0.0.1:2', 'backend-not-allowed'],
    ['refuses', () => '127.0.0.1:1', 'backend-down'],
    ['does not resolve', () => 'name.invalid:443', 'backend-down'],
    ['does not answer', () => silent.address, 'backend-down'],
  ])('is refused within 10 s when it %s', async (_, address, code) => {
    const began = Date.now();
    expect((await failure(open(address()))).code).toBe(code);
    expect(Date.now() - began).toBeLessThan(10_000);
  });
});

describe('the WinterTC socket', () => {
  it('opens, echoes, half-closes and closes', async () => {
    serve = echo;
    const socket = connect(backend.address, { relay: relay.link });
    expect(await socket.opened).toEqual({ remoteAddress: backend.address });
    const writer = socket.writable.getWriter();
    await writer.write(toUtf8('over '));
    await writer.write(toUtf8('and out'));
    await writer.close();
    expect(await new Response(socket.readable).text()).toBe('over and out');
    await socket.closed;
  });

  it('carries 4 MiB through its streams', async () => {
    serve = echo;
    const socket = connect(backend.address, { relay: relay.link });
    const sent = crypto.getRandomValues(new Uint8Array(65_536));
    const pumped = new ReadableStream({
      start: (controller) => {
        for (let i = 0; i < 64; i++) controller.enqueue(sent.slice());
        controller.close();
      },
    }).pipeTo(socket.writable);
    const received = new Uint8Array(await new Response(socket.readable).arrayBuffer());
    await pumped;
    expect(received.length).toBe(64 * sent.length);
    for (let i = 0; i < 64; i++)
      expect(Buffer.from(sent).equals(received.subarray(i * 65_536, (i + 1) * 65_536))).toBe(true);
  });

  it('rejects opened and closed and errors both streams with the code', async () => {
    const socket = connect('127.0.0.1:2', { relay: relay.link });
    const code = { code: 'backend-not-allowed' };
    await expect(socket.opened).rejects.toMatchObject(code);
    await expect(socket.closed).rejects.toMatchObject(code);
    await expect(socket.readable.getReader().read()).rejects.toMatchObject(code);
    await expect(socket.writable.getWriter().write(toUtf8('x'))).rejects.toMatchObject(code);
  });

  it('delivers what was written before close()', async () => {
    const received = new Promise<string>((resolve) => {
      serve = (socket) => resolve(text(socket).finally(() => socket.end()));
    });
    const socket = connect(backend.address, { relay: relay.link });
    await socket.writable.getWriter().write(toUtf8('last words'));
    await socket.close();
    expect(await received).toBe('last words');
  });

  it('delivers what was written and not awaited before close(), and takes nothing after it', async () => {
    const received = new Promise<string>((resolve) => {
      serve = (socket) => resolve(text(socket).finally(() => socket.end()));
    });
    const socket = connect(backend.address, { relay: relay.link });
    const writer = socket.writable.getWriter();
    const written = Promise.all([writer.write(new Uint8Array(1_000_000).fill(0x61)), writer.write(toUtf8('the end'))]);
    const closed = socket.close();
    const late = writer.write(toUtf8('too late'));
    await expect(late).rejects.toMatchObject({ code: 'aborted' });
    await Promise.all([written, closed]);
    expect(await received).toBe(`${'a'.repeat(1_000_000)}the end`);
  });

  it('ends its readable when it is closed', async () => {
    serve = echo;
    const socket = connect(backend.address, { relay: relay.link });
    await socket.opened;
    const read = socket.readable.getReader().read();
    await socket.close();
    expect(await read).toEqual({ value: undefined, done: true });
  });

  it('takes any view of bytes, and nothing else', async () => {
    serve = echo;
    const socket = connect(backend.address, { relay: relay.link });
    const writer = socket.writable.getWriter();
    await writer.write(Uint16Array.of(0x6261, 0x6463));
    await writer.write(toUtf8('ef').buffer);
    const reader = socket.readable.getReader();
    for (let got = ''; got !== 'abcdef'; ) got += new TextDecoder().decode((await reader.read()).value);
    await expect(writer.write('text' as unknown as ArrayBuffer)).rejects.toThrow(TypeError);
    await expect(socket.closed).rejects.toMatchObject({ code: 'aborted' });
  });

  it('resets at once when a write that waits is aborted', async () => {
    serve = (socket) => socket.pause();
    const socket = connect(backend.address, { relay: relay.link });
    const writer = socket.writable.getWriter();
    const stuck = writer.write(new Uint8Array(64 * 1024 * 1024)).catch((error: unknown) => error);
    await socket.opened;
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Whether it resolves is the stream's own affair: its write was cut.
    await writer.abort().catch(() => {});
    expect(await stuck).toMatchObject({ code: 'aborted' });
    await expect(socket.closed).rejects.toMatchObject({ code: 'aborted' });
    for (const backendSocket of backend.open) backendSocket.on('end', () => backendSocket.end()).resume();
    await until('the backend has closed', () => backend.open.size === 0);
  });

  it('resets when its writable is aborted', async () => {
    serve = echo;
    const socket = connect(backend.address, { relay: relay.link });
    await socket.opened;
    await socket.writable.abort();
    await expect(socket.closed).rejects.toMatchObject({ code: 'aborted' });
    await until('the backend has closed', () => backend.open.size === 0);
  });
});

describe('a full window', () => {
  const sealed = { received: 0, limit: 3 };

  it('does not hold back the end of the backend', async () => {
    serve = (socket) => socket.end('bye');
    const client = await RawClient.open(relay.link, openHello(backend.address, { limit: 3 }));
    await client.send({ type: 'ack', ...sealed });
    await until('the FIN is there', () => client.frames.some((frame) => frame.type === 'fin' && frame.offset === 3));
    client.close();
  });

  it('does not hide that the backend broke', async () => {
    serve = (socket) => {
      socket.write('bye');
      setTimeout(() => socket.resetAndDestroy(), 200);
    };
    const client = await RawClient.open(relay.link, openHello(backend.address, { limit: 3 }));
    await client.send({ type: 'ack', ...sealed });
    await client.closed;
    const reset = client.frames.find((frame) => frame.type === 'reset');
    expect(reset && resetOf(reset.code)).toBe('backend-reset');
  });

  it('is never overrun', async () => {
    serve = (socket) => socket.end('more than that');
    const client = await RawClient.open(relay.link, openHello(backend.address, { limit: 3 }));
    await client.send({ type: 'ack', ...sealed });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const data = client.frames.filter((frame) => frame.type === 'data');
    expect(data.map(({ bytes }) => String.fromCharCode(...bytes)).join('')).toBe('mor');
    await client.send({ type: 'ack', received: 3, limit: 100 });
    await until('the rest is there', () => client.frames.some((frame) => frame.type === 'fin' && frame.offset === 14));
    client.close();
  });
});

describe('early data', () => {
  it('rides in the hello and is acknowledged by the grant', async () => {
    serve = echo;
    const client = await RawClient.open(relay.link, openHello(backend.address, { earlyData: toUtf8('early') }));
    expect(client.grant).toMatchObject({ received: 5 });
    await client.send({ type: 'ack', received: 0, limit: 70_000 });
    await until('the echo is back', () => client.frames.some((frame) => frame.type === 'data'));
    expect(client.frames.find((frame) => frame.type === 'data')).toMatchObject({ offset: 0, bytes: toUtf8('early') });
    client.close();
  });
});
