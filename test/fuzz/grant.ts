/** What a client may be answered: by its relay, by another host, or by whoever stands between. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { type HelloParts, type OpenedCarrier, openCarrier } from '../../client/carriers/handshake.ts';
import { nodeCipher } from '../../client/node/cipher.ts';
import type { DialEvents, Runtime } from '../../client/runtime.ts';
import { type Bytes, EMPTY, fromBase64url, Malformed } from '../../protocol/bytes.ts';
import { decodeGrant, encodeGrant, type Grant, readOffer } from '../../protocol/carrier/hello.ts';
import { Responder, relayKeyOf } from '../../protocol/carrier/noise.ts';
import { PuenteError, refusalOf } from '../../protocol/errors.ts';
import { GRANT_PAYLOAD_MAX, GRANT_PAYLOAD_MIN, SESSION_ID_MAX, TAG, WINDOW_INITIAL } from '../../protocol/limits.ts';
import { decodeFrames } from '../../protocol/session/frames.ts';
import { least } from '../support/fixtures/open-hello.ts';
import { anyBytes, drawn, type Mutation, mutate, mutated, rareMutations, someBytes } from './bytes.ts';
import { plaintexts } from './frames.ts';
import { codeOf, decodedOrRefused, type Target } from './target.ts';

const anyGrant = fc.oneof(
  fc.record({
    resumable: fc.boolean(),
    received: fc.maxSafeNat(),
    limit: fc.maxSafeNat(),
    patience: fc.nat(0xffff).map((seconds) => seconds * 1000),
    session: someBytes(SESSION_ID_MAX),
  }),
  fc.record({ refusal: fc.nat(255) }),
);
const grants = fc.tuple(anyGrant, drawn).map(([grant, random]) => encodeGrant(grant as Grant, Infinity, random));
const payloads = fc.oneof(
  { weight: 4, arbitrary: mutated(grants) },
  fc.tuple(grants, anyBytes(40)).map(([grant, start]) => {
    grant.set(start);
    return grant;
  }),
  someBytes(2 * GRANT_PAYLOAD_MAX),
);

/** As every holder of the relay's key may say it. */
function checkGrant(payload: Bytes): Grant | undefined {
  const grant = decodedOrRefused(() => decodeGrant(payload), Malformed);
  if (!grant) return undefined;
  for (const value of Object.values(grant)) if (typeof value === 'number') ok(Number.isSafeInteger(value));
  if ('refusal' in grant) ok(grant.refusal > 0 && grant.refusal <= 255);
  deepEqual(decodeGrant(encodeGrant(grant, Infinity, least)), grant);
  return grant;
}

export const grantTarget: Target<Bytes> = {
  name: 'grant',
  weight: 12,
  cases: payloads,
  run: (payload) => void checkGrant(payload),
};

// --- the client's whole handshake ---------------------------------------------------------------------------------

const relay = await relayKeyOf(nodeCipher, new Uint8Array(32).fill(7));
/** Message 2, whole, at its shortest. */
const MESSAGE = 32 + GRANT_PAYLOAD_MIN + TAG;
const relaySecret = new Uint8Array(32).fill(2);

interface Answer {
  /** What the grant is sealed from, and what becomes of it on its way. */
  payload: Bytes;
  changes: Mutation[];
  /** Comes in its place. */
  instead?: unknown;
  /** Comes after it: plaintexts of records, or whatever else. */
  after: (Bytes | string)[];
  isLost: boolean;
}

const answers: fc.Arbitrary<Answer> = fc.record(
  {
    payload: fc.oneof(grants, payloads),
    changes: rareMutations,
    instead: fc.oneof(fc.string(), anyBytes(200), fc.constantFrom(null, 0, new Uint8Array(MESSAGE))),
    after: fc.array(fc.oneof({ weight: 3, arbitrary: plaintexts }, fc.string({ maxLength: 5 })), { maxLength: 3 }),
    isLost: fc.boolean(),
  },
  { requiredKeys: ['payload', 'changes', 'after', 'isLost'] },
);

/** Whoever is there in the relay's place: it holds the relay's key, and answers as the case wants. */
class Answerer {
  readonly #answer: Answer;
  /** The grant came as it was sealed. */
  isWhole = false;
  /** Everything was sent. */
  done: Promise<void> = Promise.resolve();
  readonly runtime: Runtime = {
    onNetworkChange: () => () => {},
    cipher: async () => nodeCipher,
    dial: (_url, protocols, events) => {
      this.done = this.#respond(protocols, events);
      return { send: () => {}, close: () => {} };
    },
  };

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  async #respond(protocols: string[], { message, closed }: DialEvents): Promise<void> {
    const { payload, changes, after, isLost } = this.#answer;
    const offered = readOffer(protocols.join(', '));
    if (!offered) throw new Error('the client made no offer');
    const responder = await Responder.readHello(nodeCipher, relay, fromBase64url(offered.hello) as Bytes);
    const { message: grant, transport } = await responder.writeGrant(payload, relaySecret);
    const sent = 'instead' in this.#answer ? this.#answer.instead : mutate(grant, changes);
    this.isWhole = sent instanceof Uint8Array && Buffer.compare(sent, grant) === 0;
    message(sent);
    for (const one of after) message(typeof one === 'string' ? one : (await transport.seal(one)).slice());
    if (isLost) closed(new PuenteError('carrier-lost'));
  }
}

const hello: HelloParts = {
  kind: 'open',
  resumable: true,
  backend: 'chat.example:443',
  limit: WINDOW_INITIAL,
  allowance: Infinity,
  earlyData: EMPTY,
};

export const sealedGrantTarget: Target<Answer> = {
  name: 'sealed-grant',
  weight: 3,
  cases: answers,
  async run(answer) {
    const answerer = new Answerer(answer);
    const opening = openCarrier(
      { url: 'https://relay.example/', key: relay.publicKey },
      answerer.runtime,
      hello,
      new AbortController().signal,
    );
    const opened = await opening.catch((error: unknown) => error);
    await answerer.done;
    const grant = answerer.isWhole ? checkGrant(answer.payload) : undefined;
    if (!grant) return equal(codeOf(opened), 'bad-grant');
    if ('refusal' in grant) return equal(codeOf(opened), refusalOf(grant.refusal) ?? 'version');
    const { granted, carry, deliver } = opened as OpenedCarrier;
    deepEqual(granted, grant);
    checkDelivery(answer, carry, deliver);
  },
};

/** What came after the grant is delivered up to the first that is no record, and nothing after that. */
function checkDelivery(
  { after, isLost }: Answer,
  carry: OpenedCarrier['carry'],
  deliver: OpenedCarrier['deliver'],
): void {
  const events: unknown[] = [];
  const carrier = carry(
    {
      frames: (frames) => void events.push(frames),
      failed: (code) => void events.push(code),
      lost: () => void events.push('lost'),
    },
    Infinity,
  );
  deliver(carrier);
  const expected: unknown[] = [];
  for (const one of after) {
    const frames = typeof one === 'string' ? undefined : decodedOrRefused(() => decodeFrames(one), 'bad-frame');
    expected.push(frames ?? (typeof one === 'string' ? 'bad-record' : 'bad-frame'));
    if (!frames) return deepEqual(events, expected);
  }
  deepEqual(events, isLost ? [...expected, 'lost'] : expected);
}
