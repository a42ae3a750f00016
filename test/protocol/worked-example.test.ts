/**
 * docs/protocol.md against the code: every byte of its worked example, and its tables. The example is one session, made
 * with fixed secrets by two real Sessions over two real Carriers.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Bytes, concat, EMPTY, type RandomBytes, toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { Carrier, type CarrierEvents } from '../../protocol/carrier/carrier.ts';
import { type Cipher, native } from '../../protocol/carrier/cipher.ts';
import {
  decodeGrant,
  decodeHello,
  encodeGrant,
  encodeHello,
  readOffer,
  VERSION,
} from '../../protocol/carrier/hello.ts';
import { noble } from '../../protocol/carrier/noble.ts';
import { initiate, PROLOGUE, Responder, relayKeyOf, type Transport } from '../../protocol/carrier/noise.ts';
import { TRAVELLING } from '../../protocol/errors.ts';
import * as limits from '../../protocol/limits.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { offerOf, tokenKeyOf, tokenTail } from '../../protocol/permits/token.ts';
import { CLIENT_END } from '../../protocol/session/client-end.ts';
import { encodeFrames, type Frame, type Offsets } from '../../protocol/session/frames.ts';
import { relayEnd } from '../../protocol/session/relay-end.ts';
import { Session } from '../../protocol/session/session.ts';

const pageOf = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const document = pageOf('protocol.md');

// --- what is fixed ------------------------------------------------------------------------------------------------

/** `length` bytes that count up from `first`. */
const counting = (first: number, length: number): Bytes => Uint8Array.from({ length }, (_, index) => first + index);

const RELAY_SECRET = counting(0x00, 32);
const CLIENT_EPHEMERAL_SECRET = counting(0x20, 32);
const RELAY_EPHEMERAL_SECRET = counting(0x40, 32);
const RESUME_EPHEMERAL_SECRET = counting(0x60, 32);
const INVITE = counting(0x90, 8);
const SESSION_ID = counting(0xa0, 16);
const TIME = Date.UTC(2026, 11, 1);
const BACKEND = 'chat.example.org:5223';
const FIRST_FLIGHT = Uint8Array.of(0x57, 0x41, 0x06, 0x03);
/** Draws a 64th of each range: a PAD of 8 bytes, 2 bytes of a grant's 159. */
const RANDOM: RandomBytes = (length) => Uint8Array.from({ length }, (_, index) => (index % 4 === 0 ? 4 : 0));

/** The document's own steps, by another implementation. */
function tokenByNode(relayKey: Bytes, hello: string): string {
  const tokenKey = createHmac('sha256', relayKey).update('puente/1 token').digest();
  return createHmac('sha256', tokenKey).update(hello, 'ascii').digest().subarray(0, 12).toString('base64url');
}

// --- the example --------------------------------------------------------------------------------------------------

/** One session's worth of values, by the names of their blocks in the document. */
type Example = Map<string, string>;

async function workedExample(cipher: Cipher): Promise<Example> {
  const example: Example = new Map();
  const hex = (name: string, bytes: Bytes) => example.set(name, toHex(bytes));

  const relayKey = await cipher.publicKey(RELAY_SECRET);
  const address = { url: 'https://relay.example/', key: relayKey, invite: INVITE };
  hex('relay-public-key', relayKey);
  example.set('link', formatLink(address));
  expect(parseLink(formatLink(address))).toEqual(address);
  example.set('well-known', JSON.stringify({ version: VERSION, key: toBase64url(relayKey) }));

  const client = end('client');
  const relay = end('relay');
  client.session.write(FIRST_FLIGHT);
  const earlyData = client.session.earlyData(limits.EARLY_DATA_MAX, () => true);
  const told = client.session.offsets();
  const hello = {
    kind: 'open',
    time: TIME,
    resumable: false,
    backend: BACKEND,
    limit: told.limit,
    allowance: Number.POSITIVE_INFINITY,
    invite: INVITE,
    earlyData,
  } as const;
  const payload = encodeHello(hello, RANDOM);
  expect(decodeHello(payload)).toEqual(hello);
  hex('hello-payload', payload);

  const initiator = await initiate(cipher, PROLOGUE, relayKey, CLIENT_EPHEMERAL_SECRET);
  const message1 = await initiator.writeHello(payload);
  hex('message-1', message1);
  hex('token-key', await tokenKeyOf(cipher, relayKey));
  const tail = tokenTail(RANDOM);
  const [token, helloText] = await offerOf(cipher, relayKey, message1, tail);
  expect(token).toBe(tokenByNode(relayKey, helloText) + tail);
  const header = `${token}, ${helloText}`;
  expect(readOffer(header)).toEqual({ token, hello: helloText });
  example.set('sec-websocket-protocol', header);

  const responder = await Responder.readHello(cipher, await relayKeyOf(cipher, RELAY_SECRET), message1);
  expect(responder.payload).toEqual(payload);
  relay.session.receive([{ type: 'data', offset: 0, bytes: earlyData }]);
  const grant = { resumable: false, patience: 0, session: EMPTY, ...relay.session.offsets() };
  const grantPayload = encodeGrant(grant, hello.allowance, RANDOM);
  expect(decodeGrant(grantPayload)).toEqual(grant);
  hex('grant-payload', grantPayload);
  const granted = await responder.writeGrant(grantPayload, RELAY_EPHEMERAL_SECRET);
  const received = await initiator.readGrant(granted.message);
  expect(received.payload).toEqual(grantPayload);
  hex('message-2', granted.message);

  // The document's own steps, without noise.ts: they must lead to the same messages.
  const steps = await noiseSteps(cipher, payload, grantPayload);
  expect(steps.message1).toEqual(message1);
  expect(steps.message2).toEqual(granted.message);
  expect(steps.secret).toEqual(received.transport.secret);
  expect(steps.secret).toEqual(granted.transport.secret);
  expect(steps.binding).toEqual(responder.binding);
  hex('client-ephemeral-public-key', steps.clientEphemeral);
  hex('relay-ephemeral-public-key', steps.relayEphemeral);
  hex('binding', steps.binding);
  hex('hello-key', steps.helloKey);
  hex('grant-key', steps.grantKey);
  hex('client-to-relay-key', steps.clientKey);
  hex('relay-to-client-key', steps.relayKey);
  hex('exported-secret', steps.secret);

  const clientOpener = await cipher.opener(steps.clientKey);
  const relayOpener = await cipher.opener(steps.relayKey);
  let clientRecords = 0;
  let relayRecords = 0;
  const fromClient = async (name: string) => {
    const record = await client.wire.next();
    hex(`${name}-plaintext`, await clientOpener(clientRecords++, EMPTY, record));
    hex(`${name}-record`, record);
    await relay.deliver(record);
  };
  const fromRelay = async (name: string) => {
    const record = await relay.wire.next();
    hex(`${name}-plaintext`, await relayOpener(relayRecords++, EMPTY, record));
    hex(`${name}-record`, record);
    await client.deliver(record);
  };

  relay.start(granted.transport, { received: 0, limit: told.limit }, grant);
  client.start(received.transport, grant, told);

  relay.takeAll(); // the backend has the early data
  relay.session.write(toUtf8('hello'));
  relay.session.flush();
  await fromRelay('relay-0');

  client.takeAll();
  client.session.write(toUtf8('bye'));
  client.session.finish();
  client.session.flush();
  await fromClient('client-0');
  await fromRelay('relay-1');
  expect(client.ended).toBe(false);

  relay.takeAll();
  relay.session.finish();
  relay.session.flush();
  await fromRelay('relay-2');
  expect(client.ended).toBe(true);
  expect(relay.ended).toBe(false);
  await fromClient('client-1');
  expect(client.wire.closed).toBe(true);
  expect(relay.ended).toBe(true);

  const resume = await initiate(cipher, PROLOGUE, relayKey, RESUME_EPHEMERAL_SECRET);
  const mac = await cipher.hmac(received.transport.secret, resume.binding);
  hex('resume-binding', resume.binding);
  hex('resume-mac', mac);
  const resumeHello = {
    kind: 'resume',
    time: TIME + 60_000,
    limit: told.limit + 5,
    received: 5,
    carrier: 1,
    session: SESSION_ID,
    mac,
    allowance: 6000,
    invite: INVITE,
  } as const;
  const resumePayload = encodeHello(resumeHello, RANDOM);
  hex('resume-payload', resumePayload);
  expect(decodeHello(resumePayload)).toEqual(resumeHello);
  return example;
}

/** The handshake as the document spells it out. */
async function noiseSteps(cipher: Cipher, payload1: Bytes, payload2: Bytes) {
  const { sha256, hkdf, publicKey, sharedSecret } = cipher;
  const relayKey = await publicKey(RELAY_SECRET);
  let h = concat(toUtf8('Noise_NK_25519_AESGCM_SHA256'), new Uint8Array(4));
  let ck = h;
  const mixHash = async (data: Bytes) => {
    h = await sha256(concat(h, data));
  };
  const mixKey = async (material: Bytes) => {
    const derived = await hkdf(ck, material, 64);
    ck = derived.slice(0, 32);
    return derived.slice(32);
  };
  const sealAndHash = async (key: Bytes, payload: Bytes) => {
    const sealed = await (await cipher.sealer(key))(0, h, payload);
    await mixHash(sealed);
    return sealed;
  };
  await mixHash(toUtf8('puente/1'));
  await mixHash(relayKey);

  const clientEphemeral = await publicKey(CLIENT_EPHEMERAL_SECRET);
  await mixHash(clientEphemeral);
  const binding = h;
  const helloKey = await mixKey(await sharedSecret(CLIENT_EPHEMERAL_SECRET, relayKey));
  const message1 = concat(clientEphemeral, await sealAndHash(helloKey, payload1));

  const relayEphemeral = await publicKey(RELAY_EPHEMERAL_SECRET);
  await mixHash(relayEphemeral);
  const grantKey = await mixKey(await sharedSecret(RELAY_EPHEMERAL_SECRET, clientEphemeral));
  const message2 = concat(relayEphemeral, await sealAndHash(grantKey, payload2));

  const keys = await hkdf(ck, EMPTY, 96);
  return {
    clientEphemeral,
    relayEphemeral,
    binding,
    helloKey,
    grantKey,
    message1,
    message2,
    clientKey: keys.slice(0, 32),
    relayKey: keys.slice(32, 64),
    secret: keys.slice(64),
  };
}

/** One end of the session. Its clock stands still. */
function end(name: 'client' | 'relay') {
  const wire = new Recorder();
  let delivered = () => {};
  let carrier: Carrier | undefined;
  const state = {
    wire,
    ended: false,
    session: new Session({
      end: name === 'client' ? CLIENT_END : relayEnd(),
      clock: { now: () => 0, after: () => () => {} },
      random: RANDOM,
      budget: { reserve: () => true, release: () => {} },
      events: {
        readable: () => {},
        writable: () => {},
        stalled: () => {},
        ended: (code) => {
          expect(code).toBeUndefined();
          state.ended = true;
        },
      },
    }),
    start(transport: Transport, peer: Offsets, told: Offsets) {
      const events: CarrierEvents = {
        frames: (frames) => {
          state.session.receive(frames);
          delivered();
        },
        failed: (code) => {
          throw new Error(code);
        },
        lost: () => {},
      };
      carrier = new Carrier(transport, wire, events, Number.POSITIVE_INFINITY);
      state.session.attach(carrier, peer, told, false);
    },
    async deliver(record: Bytes) {
      const done = new Promise<void>((resolve) => {
        delivered = resolve;
      });
      carrier?.receive(record.slice().buffer);
      await done;
    },
    takeAll() {
      for (let bytes = state.session.take(); bytes; bytes = state.session.take()) state.session.consumed(bytes.length);
    },
  };
  return state;
}

class Recorder {
  closed = false;
  #records: Bytes[] = [];
  #wake = () => {};

  send(record: Bytes): void {
    this.#records.push(record);
    this.#wake();
  }

  close(): void {
    this.closed = true;
  }

  async next(): Promise<Bytes> {
    for (;;) {
      const record = this.#records.shift();
      if (record) return record;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

// --- the document -------------------------------------------------------------------------------------------------

const toHex = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The fenced blocks with a name after their kind, as lines. */
function blocks(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, name = '', body = ''] of document.matchAll(/^```(?:hex|text) ([a-z\d-]+)\n(.*?)\n```$/gms)) {
    expect(found.has(name), `two blocks named ${name}`).toBe(false);
    found.set(name, body.split('\n'));
  }
  return found;
}

/** The first two cells of every table row that matches. */
function rows(pattern: RegExp, page = document): [string, string][] {
  return Array.from(page.matchAll(pattern), ([, first = '', second = '']) => [first, second]);
}

describe.each([
  ['WebCrypto', native],
  ['noble', noble],
])('the worked example, with %s', (_, cipher) => {
  test('has exactly the bytes of the code', async () => {
    const expected = Object.fromEntries(await workedExample(cipher));
    const written = Object.fromEntries(Array.from(blocks(), ([name, lines]) => [name, lines.join('')]));
    expect(written).toEqual(expected);
  });
});

test('blocks are wrapped at 64 characters', () => {
  for (const lines of blocks().values()) {
    for (const line of lines.slice(0, -1)) expect(line).toHaveLength(64);
    expect(lines.at(-1)?.length).toBeLessThanOrEqual(64);
  }
});

test('the table of codes has every code that travels, and no other', () => {
  const written = rows(/^\| (\d+) \| `([a-z-]+)` \|/gm).map(([number, code]) => [code, Number(number)]);
  const travelling = Object.entries(TRAVELLING);
  expect(written).toEqual(travelling);
});

test('the tables of constants and limits have every limit of the code once, with its value', () => {
  const written = rows(/^\| `([A-Z_]+)` \| ([\d,]+) \|/gm, document + pageOf('policy.md')).map(([name, value]) => [
    name,
    Number(value.replaceAll(',', '')),
  ]);
  expect(new Set(written.map(([name]) => name)).size).toBe(written.length);
  expect(Object.fromEntries(written)).toEqual({ ...limits });
});

test('the table of frames has the numbers and sizes of the code', () => {
  const frames: Frame[] = [
    { type: 'data', offset: 0, bytes: EMPTY },
    { type: 'ack', received: 0, limit: 0 },
    { type: 'fin', offset: 0 },
    { type: 'reset', code: 0 },
    { type: 'ping', id: 0 },
    { type: 'pong', id: 0 },
    { type: 'pad', length: 0 },
    { type: 'stop' },
  ];
  const written = Array.from(document.matchAll(/^\| 0x([\da-f]{2}) \| ([A-Z]+) \| (\d+)/gm), ([, ...cells]) => cells);
  const expected = frames.map((frame) => {
    const bytes = encodeFrames([frame]);
    return [toHex(bytes.subarray(0, 1)), frame.type.toUpperCase(), String(bytes.length)];
  });
  expect(written).toEqual(expected);
});
