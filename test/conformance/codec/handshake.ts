/** The handshake (section 4), with every value that stands in it by its name. */
import { randomBytes } from 'node:crypto';
import { Malformed, text } from './bytes.ts';
import { hkdf, open, publicKeyOf, seal, sha256, TAG, x25519 } from './primitives.ts';

const KEY = 32;
const NONE = Buffer.alloc(0);

/** What both ends have after it. */
export interface Keys {
  /** Seals what the client sends. */
  kc: Buffer;
  /** Seals what the relay sends. */
  kr: Buffer;
  secret: Buffer;
}

/** `h` and `ck`, which both ends carry forward; each value on the way is kept by its name. */
class State {
  readonly values: Record<string, Buffer> = {};
  h: Buffer;
  ck: Buffer;

  constructor(relayKey: Buffer, prologue: string) {
    this.h = Buffer.concat([text('Noise_NK_25519_AESGCM_SHA256'), Buffer.alloc(4)]);
    this.ck = this.h;
    this.mixHash('h after the prologue', text(prologue));
    this.mixHash('h after S', relayKey);
  }

  mixHash(name: string, data: Buffer): void {
    this.h = sha256(Buffer.concat([this.h, data]));
    this.values[name] = this.h;
  }

  mixKey(name: 'k1' | 'k2', shared: Buffer): Buffer {
    const [ck = NONE, key = NONE] = hkdf(this.ck, shared, 2);
    this.ck = ck;
    Object.assign(this.values, { [`${name} shared`]: shared, [`${name} ck`]: ck, [name]: key });
    return key;
  }

  keys(): Keys {
    const [kc = NONE, kr = NONE, secret = NONE] = hkdf(this.ck, NONE, 3);
    Object.assign(this.values, { kc, kr, secret });
    return { kc, kr, secret };
  }
}

/** The client's side. */
export class Initiator {
  readonly #relayKey: Buffer;
  readonly #secret: Buffer;
  readonly #state: State;
  readonly ephemeral: Buffer;
  /** Binds a resume to this handshake. */
  readonly binding: Buffer;

  /** @param secret the ephemeral one */
  constructor(relayKey: Buffer, secret: Buffer = randomBytes(KEY), prologue = 'puente/1') {
    this.#relayKey = relayKey;
    this.#secret = secret;
    this.#state = new State(relayKey, prologue);
    this.ephemeral = publicKeyOf(secret);
    this.#state.mixHash('binding', this.ephemeral);
    this.binding = this.#state.h;
  }

  get values(): Record<string, Buffer> {
    return this.#state.values;
  }

  message1(payload: Buffer): Buffer {
    const key = this.#state.mixKey('k1', x25519(this.#secret, this.#relayKey));
    const sealed = seal(key, 0, this.#state.h, payload);
    this.#state.mixHash('h after the hello', sealed);
    return Buffer.concat([this.ephemeral, sealed]);
  }

  /** @throws where it is not from the holder of the relay's key, in answer to this hello */
  message2(message: Buffer): { payload: Buffer; keys: Keys } {
    if (message.length < KEY + TAG) throw new Malformed('message 2 is too short');
    const theirs = message.subarray(0, KEY);
    this.#state.mixHash('h after ER', theirs);
    const key = this.#state.mixKey('k2', x25519(this.#secret, theirs));
    const payload = open(key, 0, this.#state.h, message.subarray(KEY));
    return { payload, keys: this.#state.keys() };
  }
}

/** The relay's side, once it has read a hello. */
export class Responder {
  readonly #state: State;
  readonly ephemeral: Buffer;
  readonly binding: Buffer;
  readonly payload: Buffer;

  /** @throws where it was not made for this relay's key */
  constructor(secret: Buffer, message1: Buffer, prologue = 'puente/1') {
    if (message1.length <= KEY + TAG) throw new Malformed('message 1 is too short');
    this.#state = new State(publicKeyOf(secret), prologue);
    this.ephemeral = message1.subarray(0, KEY);
    this.#state.mixHash('binding', this.ephemeral);
    this.binding = this.#state.h;
    const key = this.#state.mixKey('k1', x25519(secret, this.ephemeral));
    const sealed = message1.subarray(KEY);
    this.payload = open(key, 0, this.#state.h, sealed);
    this.#state.mixHash('h after the hello', sealed);
  }

  /** @param secret the ephemeral one */
  message2(payload: Buffer, secret: Buffer = randomBytes(KEY)): { message: Buffer; keys: Keys } {
    const ephemeral = publicKeyOf(secret);
    this.#state.mixHash('h after ER', ephemeral);
    const key = this.#state.mixKey('k2', x25519(secret, this.ephemeral));
    const message = Buffer.concat([ephemeral, seal(key, 0, this.#state.h, payload)]);
    return { message, keys: this.#state.keys() };
  }
}
