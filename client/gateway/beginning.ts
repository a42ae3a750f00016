/**
 * The first bytes of a client at a port that leads to one backend. A web page can make a browser send HTTP and TURN to
 * any port of the browser's machine. A session that begins with HTTP or TURN ends as `plaintext`, and after a few of
 * these sessions the relay refuses the user.
 */
import type { Readable } from 'node:stream';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { response } from './http-response.ts';
import { HungUp, Refusal, some } from './reading.ts';

/**
 * Milliseconds. A client that says nothing for this long waits for its server to speak first, as in SMTP. Each
 * connection of this client opens so much later. An app that speaks first does so within milliseconds on loopback, or
 * tens of milliseconds in a local network.
 */
export const FIRST_BYTES_WAIT = 200;

/**
 * The beginnings of a page's requests. With the last method, OPTIONS, a browser asks whether it may send the methods
 * before.
 */
const REQUESTS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].flatMap((method) => [
  `${method} /`,
  `${method} http://`,
]);

/**
 * A request with any method, up to its version (RFC 9112 section 3): IRC, SIP and NATS differ at the version. A page
 * can make up methods for its own site, and the name of this site may lead to this machine.
 */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\//;

/**
 * The magic cookie of a STUN message, after type and length (RFC 8489 section 5). The first message to a TURN server is
 * a STUN message.
 */
const MAGIC_COOKIE = 0x2112a442;

const MESSAGE =
  'This port is not for HTTP or TURN, which any web page can send. For a server that speaks one of them, ' +
  'write any:// before its name: forward -L PORT:any://HOST:HOSTPORT';

export class Beginning {
  /**
   * Resolves with the first bytes, once they are known not to be a page's. Resolves with no bytes when the client ends
   * before it says any. Rejects with a Refusal.
   */
  readonly bytes: Promise<Buffer>;
  /**
   * Resolves when a session may be opened: `bytes` are known, or the client is silent. Rejects when `bytes` rejects.
   */
  readonly mayOpen: Promise<unknown>;

  constructor(client: Readable) {
    const spoken = new AbortController();
    this.bytes = read(client, () => spoken.abort());
    this.mayOpen = silence(spoken.signal).catch(() => this.bytes);
    // A refusal must not end the process when nobody waits for the refusal, yet or any more.
    for (const promise of [this.bytes, this.mayOpen]) promise.catch(() => {});
  }
}

/** @throws AbortError when the client has spoken */
async function silence(spoken: AbortSignal): Promise<void> {
  await sleep(FIRST_BYTES_WAIT, undefined, { signal: spoken });
  // Read first the bytes that came while this process was busy.
  await immediate(undefined, { signal: spoken });
}

/** @throws Refusal */
async function read(client: Readable, spoken: () => void): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  try {
    do {
      bytes = Buffer.concat([bytes, await some(client)]);
      spoken();
    } while (mayBecomeHttp(bytes));
  } catch (error) {
    if (!(error instanceof HungUp)) throw error;
    spoken();
  }
  if (isHttp(bytes)) throw new Refusal(MESSAGE, response(403, MESSAGE));
  if (isTurn(bytes)) throw new Refusal(MESSAGE);
  return bytes;
}

function isHttp(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  return REQUESTS.some((request) => text.startsWith(request)) || REQUEST_LINE.test(text);
}

function isTurn(bytes: Buffer): boolean {
  return bytes.length >= 8 && bytes.readUInt32BE(4) === MAGIC_COOKIE;
}

function mayBecomeHttp(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  return REQUESTS.some((request) => request.length > text.length && request.startsWith(text));
}
