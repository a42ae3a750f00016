/** What anybody on the internet may send to a relay before it has admitted them, and the link that they have it from. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, fromBase64url, Malformed, toBase64url } from '../../protocol/bytes.ts';
import { decodeHello, encodeHello, type Hello, readOffer } from '../../protocol/carrier/hello.ts';
import { initiate, PROLOGUE, Responder, relayKeyOf } from '../../protocol/carrier/noise.ts';
import {
  BACKEND_CHARS_MAX,
  EARLY_DATA_MAX,
  HELLO_MAX,
  HELLO_OVERHEAD,
  INVITE_MAX,
  OFFER_CHARS_MAX,
  SESSION_ID_MAX,
  TOKEN_CHARS,
  TOKEN_TAIL_MAX,
} from '../../protocol/limits.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { least } from '../support/fixtures/open-hello.ts';
import { anyBytes, drawn, type Mutation, mutate, mutated, mutatedText, mutations, someBytes } from './bytes.ts';
import { decodedOrRefused, type Target } from './target.ts';

// --- the link -----------------------------------------------------------------------------------------------------

const relayAddress = fc.record(
  {
    url: fc.constantFrom(
      'https://relay.example/',
      'http://localhost:8787/',
      'http://127.0.0.1/',
      'https://[::1]:1/',
      'https://relay.example/a/path/',
    ),
    key: someBytes(33, 31),
    invite: someBytes(INVITE_MAX + 1),
  },
  { requiredKeys: ['url'] },
);
const links = fc.oneof(
  relayAddress.map((address) => formatLink(address as Parameters<typeof formatLink>[0])),
  fc.constantFrom('relay.example', 'RELAY.example:8443', 'https://relay.example/path#p', 'http://0x7f.1/#%71'),
);

export const linkTarget: Target<string> = {
  name: 'link',
  weight: 7,
  cases: fc.oneof({ weight: 4, arbitrary: mutatedText(links) }, fc.string({ unit: 'binary' })),
  run(text) {
    const address = decodedOrRefused(() => parseLink(text), 'link-invalid');
    if (!address) return;
    const { url, key, invite } = address;
    ok(
      /^https:\/\/[\w.:[\]-]+\/([\w.~-]+\/)*$/.test(url) ||
        /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?\/([\w.~-]+\/)*$/.test(url),
    );
    ok(key === undefined || key.length === 32);
    ok(invite === undefined || (key && invite.length > 0 && invite.length <= INVITE_MAX));
    deepEqual(parseLink(formatLink(address)), address);
  },
};

// --- the upgrade request's header ---------------------------------------------------------------------------------

const headers = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 12, max: 83 }) }, fc.nat(90)),
    fc.oneof(fc.integer({ min: HELLO_OVERHEAD - 1, max: 120 }), fc.integer({ min: HELLO_MAX - 2, max: HELLO_MAX + 2 })),
    fc.constantFrom(', ', ',', ' , ', ',,', '\t,\u00a0'),
  )
  .map(([token, message, between]) =>
    [token, message].map((length) => toBase64url(new Uint8Array(length).fill(0xd7))).join(between),
  );

export const offerTarget: Target<string> = {
  name: 'offer',
  weight: 9,
  cases: fc.oneof({ weight: 4, arbitrary: mutatedText(headers) }, fc.string({ unit: 'binary' })),
  run(header) {
    const offered = readOffer(header);
    if (!offered) return;
    const { token, hello } = offered;
    ok(header.length <= OFFER_CHARS_MAX && token.length >= TOKEN_CHARS && token.length <= TOKEN_CHARS + TOKEN_TAIL_MAX);
    deepEqual(
      header.split(',').map((name) => name.trim()),
      [token, hello],
    );
    const message = fromBase64url(hello);
    if (!message) return;
    ok(message.length > HELLO_OVERHEAD && message.length <= HELLO_MAX);
    // One spelling only.
    equal(toBase64url(message), hello);
  },
};

// --- the payload --------------------------------------------------------------------------------------------------

const start = {
  time: fc.nat(0xffffffff).map((seconds) => seconds * 1000),
  limit: fc.maxSafeNat(),
  allowance: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 0xffffffff })),
  invite: someBytes(INVITE_MAX),
};
const hellos = fc.oneof(
  fc.record({
    kind: fc.constantFrom('open', 'check', 'status'),
    ...start,
    resumable: fc.boolean(),
    backend: fc.string({ unit: 'binary', maxLength: Math.floor(BACKEND_CHARS_MAX / 4) }),
    earlyData: someBytes(EARLY_DATA_MAX),
  }),
  fc.record({
    kind: fc.constant('resume'),
    ...start,
    session: someBytes(SESSION_ID_MAX),
    carrier: fc.nat(0xffffffff),
    received: fc.maxSafeNat(),
    mac: someBytes(32, 32),
  }),
);
const helloPayloads = fc.tuple(hellos, drawn).map(([hello, random]) => encodeHello(hello as Hello, random));
const payloads = fc.oneof({ weight: 6, arbitrary: mutated(helloPayloads) }, anyBytes(120));

function checkHello(payload: Bytes): void {
  const hello = decodedOrRefused(() => decodeHello(payload), Malformed);
  if (!hello) return;
  for (const value of Object.values(hello))
    if (typeof value === 'number') ok(value === Infinity || Number.isSafeInteger(value));
  if (hello.kind === 'unknown') return;
  if (hello.kind === 'resume') equal(hello.mac.length, 32);
  else ok(Buffer.from(payload).includes(hello.backend));
  // To encode it checks the bounds of what has a length.
  deepEqual(decodeHello(encodeHello(hello, least)), hello);
}

export const helloTarget: Target<Bytes> = { name: 'hello', weight: 18, cases: payloads, run: checkHello };

// --- the message --------------------------------------------------------------------------------------------------

const relay = await relayKeyOf(nodeCipher, new Uint8Array(32).fill(7));
const clientSecret = new Uint8Array(32).fill(1);

export const sealedHelloTarget: Target<[payload: Bytes, changes: Mutation[]]> = {
  name: 'sealed-hello',
  weight: 3,
  cases: fc.tuple(payloads, mutations),
  async run([payload, changes]) {
    const initiator = await initiate(nodeCipher, PROLOGUE, relay.publicKey, clientSecret);
    const message = await initiator.writeHello(payload);
    const received = mutate(message, changes);
    const reading = Responder.readHello(nodeCipher, relay, received);
    // A TypeError would be a mistake of ours, not the cipher's refusal.
    if (Buffer.compare(received, message) !== 0) return rejects(reading, (error) => !(error instanceof TypeError));
    const responder = await reading;
    deepEqual(responder.payload, payload);
    checkHello(responder.payload);
  },
};
