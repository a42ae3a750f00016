/**
 * Noise_NK_25519_AESGCM_SHA256 (Noise Protocol Framework, revision 34, section 7.5):
 *
 *     <- s
 *     ...
 *     -> e, es      the hello
 *     <- e, ee      the grant
 *
 * The pattern is small enough to write out. In NK each handshake key seals exactly one payload, so its nonce is always
 * 0, and no state machine can go wrong.
 */
import { type Bytes, concat, EMPTY, toUtf8 } from '../bytes.ts';
import { PuenteError } from '../errors.ts';
import { HELLO_OVERHEAD, RECORDS_PER_KEY_MAX } from '../limits.ts';
import type { Awaitable, Cipher } from './cipher.ts';

export const PROLOGUE = toUtf8('puente/1');
const KEY = 32;
const NAME = new Uint8Array(32);
NAME.set(toUtf8('Noise_NK_25519_AESGCM_SHA256'));

/** The transport phase at one end: the keys of Split() (section 5.2), and a secret for later resumes. */
export interface Transport {
  /** Seals the next record; throws `key-exhausted` before its counter could wrap. */
  seal(plaintext: Bytes): Awaitable<Bytes>;
  /** Opens the peer's next record, in the peer's order; throws or rejects for any other record. */
  open(record: Bytes): Awaitable<Bytes>;
  /** Third output of the HKDF whose first two outputs are Split()'s keys. Both ends know it; neither sends it. */
  secret: Bytes;
}

/** The hash that every handshake with this relay starts from (section 5.3, Initialize). */
async function startOf(cipher: Cipher, prologue: Bytes, relayKey: Bytes): Promise<Bytes> {
  return cipher.sha256(concat(await cipher.sha256(concat(NAME, prologue)), relayKey));
}

/** The symmetric state of section 5.2, by that section's names: `h` is the hash, `ck` the chaining key. */
class Symmetric {
  readonly #cipher: Cipher;
  #key: Bytes = EMPTY;
  h: Bytes;
  ck: Bytes;

  /** @param h the hash to start from: see `startOf` */
  constructor(cipher: Cipher, h: Bytes, ck = NAME) {
    this.#cipher = cipher;
    this.h = h;
    this.ck = ck;
  }

  async mixHash(data: Bytes): Promise<void> {
    this.h = await this.#cipher.sha256(concat(this.h, data));
  }

  async mixKey(material: Bytes): Promise<void> {
    const derived = await this.#cipher.hkdf(this.ck, material, 2 * KEY);
    this.ck = derived.slice(0, KEY);
    this.#key = derived.slice(KEY);
  }

  /** EncryptAndHash without the hash of the result: nothing needs that hash after the last message. */
  async seal(plaintext: Bytes): Promise<Bytes> {
    const seal = await this.#cipher.sealer(this.#key);
    return seal(0, this.h, plaintext);
  }

  /**
   * DecryptAndHash without the hash.
   * @param associated the hash before `sealed` was mixed in
   */
  async open(sealed: Bytes, associated: Bytes): Promise<Bytes> {
    const open = await this.#cipher.opener(this.#key);
    return open(0, associated, sealed);
  }

  async split(end: 'initiator' | 'responder'): Promise<Transport> {
    const derived = await this.#cipher.hkdf(this.ck, EMPTY, 3 * KEY);
    const fromInitiator = derived.slice(0, KEY);
    const fromResponder = derived.slice(KEY, 2 * KEY);
    const [sealing, opening] = end === 'initiator' ? [fromInitiator, fromResponder] : [fromResponder, fromInitiator];
    const seal = await this.#cipher.sealer(sealing);
    const open = await this.#cipher.opener(opening);
    const sealCounter = counter();
    const openCounter = counter();
    return {
      seal: (plaintext) => seal(sealCounter(), EMPTY, plaintext),
      open: (record) => open(openCounter(), EMPTY, record),
      secret: derived.slice(2 * KEY),
    };
  }
}

/** 0, 1, 2 …; throws `key-exhausted` long before Noise's 2^64 - 1. Exported for its test. */
export function counter(next = 0): () => number {
  let value = next;
  return () => {
    if (value >= RECORDS_PER_KEY_MAX) throw new PuenteError('key-exhausted');
    return value++;
  };
}

/** The client's side. */
export interface Initiator {
  /** Binds a resume to this handshake: the hash after the ephemeral key was mixed in, and before the payload is. */
  readonly binding: Bytes;
  /** Rejects when the relay's key is a point of small order. */
  writeHello(payload: Bytes): Promise<Bytes>;
  /** Rejects when the message is not from the holder of the relay's key, in answer to this hello. */
  readGrant(message: Bytes): Promise<{ payload: Bytes; transport: Transport }>;
}

/** @param secret the secret of the ephemeral key: 32 random bytes, used for this handshake only */
export async function initiate(cipher: Cipher, prologue: Bytes, relayKey: Bytes, secret: Bytes): Promise<Initiator> {
  const state = new Symmetric(cipher, await startOf(cipher, prologue, relayKey));
  const ephemeral = await cipher.publicKey(secret);
  await state.mixHash(ephemeral);
  return {
    binding: state.h,
    async writeHello(payload) {
      await state.mixKey(await cipher.sharedSecret(secret, relayKey));
      const sealed = await state.seal(payload);
      await state.mixHash(sealed);
      return concat(ephemeral, sealed);
    },
    async readGrant(message) {
      const remote = message.subarray(0, KEY);
      await state.mixHash(remote);
      await state.mixKey(await cipher.sharedSecret(secret, remote));
      const payload = await state.open(message.subarray(KEY), state.h);
      return { payload, transport: await state.split('initiator') };
    },
  };
}

/** A relay's static key. */
export interface RelayKey {
  secret: Bytes;
  publicKey: Bytes;
  /** The hash of `startOf`: the same for every hello. */
  start: Bytes;
}

/** @param secret 32 random bytes. */
export async function relayKeyOf(cipher: Cipher, secret: Bytes, prologue = PROLOGUE): Promise<RelayKey> {
  const publicKey = await cipher.publicKey(secret);
  return { secret, publicKey, start: await startOf(cipher, prologue, publicKey) };
}

/** The relay's side, once it has read a hello. */
export class Responder {
  readonly #cipher: Cipher;
  readonly #state: Symmetric;
  /** The client's ephemeral key. It is new for every hello, so it identifies a replay. */
  readonly clientEphemeral: Bytes;
  readonly binding: Bytes;
  readonly payload: Bytes;

  private constructor(cipher: Cipher, state: Symmetric, clientEphemeral: Bytes, binding: Bytes, payload: Bytes) {
    this.#cipher = cipher;
    this.#state = state;
    this.clientEphemeral = clientEphemeral;
    this.binding = binding;
    this.payload = payload;
  }

  /** Rejects when the message was not made for this relay's key. */
  static async readHello(cipher: Cipher, relay: RelayKey, message: Bytes): Promise<Responder> {
    if (message.length < HELLO_OVERHEAD) throw new Error('shorter than a hello');
    const clientEphemeral = message.slice(0, KEY);
    const state = new Symmetric(cipher, relay.start);
    await state.mixHash(clientEphemeral);
    const binding = state.h;
    await state.mixKey(await cipher.sharedSecret(relay.secret, clientEphemeral));
    const sealed = message.subarray(KEY);
    await state.mixHash(sealed);
    const payload = await state.open(sealed, binding);
    return new Responder(cipher, state, clientEphemeral, binding, payload);
  }

  /** Everything that another process of the relay needs to answer this hello. Keep it secret. */
  save(): Bytes {
    const { ck, h } = this.#state;
    return concat(ck, h, this.clientEphemeral, this.binding, this.payload);
  }

  static restore(cipher: Cipher, saved: Bytes): Responder {
    const part = (index: number) => saved.slice(index * KEY, (index + 1) * KEY);
    const state = new Symmetric(cipher, part(1), part(0));
    return new Responder(cipher, state, part(2), part(3), saved.slice(4 * KEY));
  }

  /** @param ephemeralSecret 32 random bytes, used for this handshake only. */
  async writeGrant(payload: Bytes, ephemeralSecret: Bytes): Promise<{ message: Bytes; transport: Transport }> {
    const ephemeral = await this.#cipher.publicKey(ephemeralSecret);
    await this.#state.mixHash(ephemeral);
    await this.#state.mixKey(await this.#cipher.sharedSecret(ephemeralSecret, this.clientEphemeral));
    const message = concat(ephemeral, await this.#state.seal(payload));
    return { message, transport: await this.#state.split('responder') };
  }
}
