/** The timed tasks, as the app sees them. They run in the driver's process. */
import { type Backends, count } from './backend.ts';
import { type Connection, open, type Way } from './routes.ts';

export interface Case {
  way: Way;
  backends: Backends;
}

/** As many bytes as one record carries, so that the floor's messages are as large as the tunnel's. */
const CHUNK = new Uint8Array(65_000).fill(7);

/**
 * A first flight that may ride in a hello. The other kind, a TLS ClientHello, cannot be faked with less than a real
 * one.
 */
const FLIGHT = new TextEncoder().encode(`WA${'.'.repeat(48)}`);

// --- throughput ---------------------------------------------------------------------------------------------------

/** Seconds until `streams` connections have received `bytes` each. */
async function down({ way, backends }: Case, bytes: number, streams: number): Promise<number> {
  return seconds(() => all(streams, () => receive(open(way, backends.source), bytes)));
}

/** Seconds until the backend has `bytes` from each of `streams` connections, and has said so. */
async function up({ way, backends }: Case, bytes: number, streams: number): Promise<number> {
  return seconds(() => all(streams, () => send(open(way, backends.sink), bytes)));
}

function receive(connection: Connection, bytes: number): Promise<void> {
  connection.write(count(bytes), () => {});
  return received(connection, bytes).finally(() => connection.close());
}

async function send(connection: Connection, bytes: number): Promise<void> {
  const answered = received(connection, 1);
  await written(connection, count(bytes));
  for (let left = bytes; left > 0; left -= CHUNK.length) await written(connection, CHUNK.subarray(0, left));
  await answered.finally(() => connection.close());
}

/** Resolves when this many bytes have come. */
function received(connection: Connection, bytes: number): Promise<void> {
  let left = bytes;
  return new Promise((resolve, reject) => {
    connection.onError(reject);
    connection.onData((data) => {
      left -= data.length;
      if (left <= 0) resolve();
    });
  });
}

function written(connection: Connection, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  return new Promise((done) => connection.write(bytes, done));
}

// --- round trips --------------------------------------------------------------------------------------------------

/** Microseconds of each of `times` echoes of `size` bytes, one after another on one connection. */
async function echo({ way, backends }: Case, size: number, times: number): Promise<number[]> {
  const connection = open(way, backends.echo);
  const message = new Uint8Array(size).fill(65);
  const samples: number[] = [];
  await new Promise<void>((resolve, reject) => {
    let left = 0;
    let sentAt = 0;
    const next = () => {
      left = size;
      sentAt = performance.now();
      connection.write(message, () => {});
    };
    connection.onError(reject);
    connection.onData((data) => {
      left -= data.length;
      if (left > 0) return;
      samples.push((performance.now() - sentAt) * 1000);
      if (samples.length === times) resolve();
      else next();
    });
    next();
  });
  connection.close();
  return samples;
}

/**
 * Milliseconds from the start of a connection to the first answer byte, for each of `times` connections, one after
 * another.
 */
async function opening(which: Case, times: number): Promise<number[]> {
  const samples: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const taken = await seconds(async () => (await answered(which)).close());
    samples.push(taken * 1000);
  }
  return samples;
}

/** A connection whose backend has answered. */
async function answered({ way, backends }: Case): Promise<Connection> {
  const connection = open(way, backends.echo);
  connection.write(FLIGHT, () => {});
  await received(connection, FLIGHT.length);
  return connection;
}

// --- memory -------------------------------------------------------------------------------------------------------

const held: Connection[] = [];

/** Opens `times` connections, a few at a time, and keeps them. */
async function hold(which: Case, times: number): Promise<void> {
  while (held.length < times) {
    const few = Math.min(20, times - held.length);
    held.push(...(await Promise.all(Array.from({ length: few }, () => answered(which)))));
  }
}

function letGo(): void {
  for (const connection of held.splice(0)) connection.close();
}

/** Asks for `offered` bytes, and resolves when `bytes` have come. The connection goes on receiving. */
async function begin({ way, backends }: Case, offered: number, bytes: number): Promise<void> {
  const connection = open(way, backends.source);
  connection.write(count(offered), () => {});
  await received(connection, bytes);
}

// --- helpers ------------------------------------------------------------------------------------------------------

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

async function all(times: number, run: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: times }, run));
}

export const tasks = { down, up, echo, opening, hold, letGo, begin };
