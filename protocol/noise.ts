/**
 * Noise_NK_25519_AESGCM_SHA256 (Noise Protocol Framework, revision 34, section 7.5):
 *
 *     <- s
 *     ...
 *     -> e, es      the hello
 *     <- e, ee      the grant
 *
 * The pattern is small enough to be written out: in NK each handshake key seals exactly one payload, so its nonce is
 * always 0, and there is no state machine to get wrong.
 */
import { type Bytes, concat, EMPTY, toUtf8 } from './bytes.ts';
import type { Awaitable, Cipher } from './cipher.ts';
import { PuenteError } from './errors.ts';
import { HELLO_OVERHEAD, RECORDS_PER_KEY_MAX } from './limits.ts';

export const PROLOGUE = toUtf8('puente/1');
const KEY = 32;
const NAME = new Uint8Array(32);
NAME.set(toUtf8('Noise_NK_25519_AESGCM_SHA256'));

/** The transport phase at one end: the keys of Split() (section 5.2), and a secret for what follows. */
export interface Transport {
  /** Seals the next record; rejects with `key-exhausted` before its counter could wrap. */
  seal(plaintext: Bytes): Awaitable<Bytes>;
  /** Opens the peer's next record, in its order; rejects when it is not that. */
  open(record: Bytes): Awaitable<Bytes>;
  /** Third output of the HKDF whose first two are Split()'s: known to both ends, sent by none. */
  secret: Bytes;
}

/** The symmetric state of section 5.2. */
class Symmetric {
  readonly #cipher: Cipher;
  #chainingKey: Bytes;
  #key: Bytes = EMPTY;
  hash: Bytes;

  private constructor(cipher: Cipher, name: Bytes) {
    this.#cipher = cipher;
    this.#chainingKey = name;
    this.hash = name;
  }

  static async initialize(cipher: Cipher, prologue: Bytes, relayKey: Bytes): Promise<Symmetric> {
    const state = new Symmetric(cipher, NAME);
    await state.mixHash(prologue);
    await state.mixHash(relayKey);
    return state;
  }

  /** Goes on from the `hash` of a state that was just initialized. */
  static resume(cipher: Cipher, hash: Bytes): Symmetric {
    const state = new Symmetric(cipher, NAME);
    state.hash = hash;
    return state;
  }

  async mixHash(data: Bytes): Promise<void> {
    this.hash = await this.#cipher.sha256(concat(this.hash, data));
  }

  async mixKey(material: Bytes): Promise<void> {
    const derived = await this.#cipher.hkdf(this.#chainingKey, material, 2 * KEY);
    this.#chainingKey = derived.slice(0, KEY);
    this.#key = derived.slice(KEY);
  }

  /** EncryptAndHash, less the hash of the result: nothing needs it after the last message. */
  async seal(plaintext: Bytes): Promise<Bytes> {
    const seal = await this.#cipher.sealer(this.#key);
    return seal(0, this.hash, plaintext);
  }

  /** DecryptAndHash, less the hash. */
  async open(sealed: Bytes): Promise<Bytes> {
    const open = await this.#cipher.opener(this.#key);
    return open(0, this.hash, sealed);
  }

  async split(end: 'initiator' | 'responder'): Promise<Transport> {
    const derived = await this.#cipher.hkdf(this.#chainingKey, EMPTY, 3 * KEY);
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
export class Initiator {
  readonly #cipher: Cipher;
  readonly #state: Symmetric;
  readonly #relayKey: Bytes;
  readonly #ephemeralSecret: Bytes;
  readonly #ephemeral: Bytes;

  private constructor(cipher: Cipher, state: Symmetric, relayKey: Bytes, secret: Bytes, ephemeral: Bytes) {
    this.#cipher = cipher;
    this.#state = state;
    this.#relayKey = relayKey;
    this.#ephemeralSecret = secret;
    this.#ephemeral = ephemeral;
  }

  /** @param ephemeralSecret 32 random bytes, used for this handshake only. */
  static async start(cipher: Cipher, prologue: Bytes, relayKey: Bytes, ephemeralSecret: Bytes): Promise<Initiator> {
    const state = await Symmetric.initialize(cipher, prologue, relayKey);
    const ephemeral = await cipher.publicKey(ephemeralSecret);
    await state.mixHash(ephemeral);
    return new Initiator(cipher, state, relayKey, ephemeralSecret, ephemeral);
  }

  /** Binds a resume to this handshake: the hash once the ephemeral key is mixed in, before the payload is. */
  get binding(): Bytes {
    return this.#state.hash;
  }

  async writeHello(payload: Bytes): Promise<Bytes> {
    await this.#state.mixKey(await this.#cipher.sharedSecret(this.#ephemeralSecret, this.#relayKey));
    const sealed = await this.#state.seal(payload);
    await this.#state.mixHash(sealed);
    return concat(this.#ephemeral, sealed);
  }

  /** Rejects when the message is not from the holder of the relay's key, in answer to this hello. */
  async readGrant(message: Bytes): Promise<{ payload: Bytes; transport: Transport }> {
    const remote = message.subarray(0, KEY);
    await this.#state.mixHash(remote);
    await this.#state.mixKey(await this.#cipher.sharedSecret(this.#ephemeralSecret, remote));
    const payload = await this.#state.open(message.subarray(KEY));
    return { payload, transport: await this.#state.split('initiator') };
  }
}

/** A relay's static key, and the hash that every handshake with it starts from. */
export interface RelayKey {
  secret: Bytes;
  publicKey: Bytes;
  start: Bytes;
}

/** @param secret 32 random bytes. */
export async function relayKeyOf(cipher: Cipher, secret: Bytes, prologue = PROLOGUE): Promise<RelayKey> {
  const publicKey = await cipher.publicKey(secret);
  const { hash: start } = await Symmetric.initialize(cipher, prologue, publicKey);
  return { secret, publicKey, start };
}

/** The relay's side, once it has read a hello. */
export class Responder {
  readonly #cipher: Cipher;
  readonly #state: Symmetric;
  /** The client's ephemeral key: new for every hello, so it tells a replay. */
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
    const state = Symmetric.resume(cipher, relay.start);
    await state.mixHash(clientEphemeral);
    const binding = state.hash;
    await state.mixKey(await cipher.sharedSecret(relay.secret, clientEphemeral));
    const sealed = message.subarray(KEY);
    const payload = await state.open(sealed);
    await state.mixHash(sealed);
    return new Responder(cipher, state, clientEphemeral, binding, payload);
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
