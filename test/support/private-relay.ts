/** A private relay's keys and settings, the hellos that it takes, and every kind that it does not. */
import { type Bytes, concat, EMPTY, toBase64url } from '../../protocol/bytes.ts';
import { native } from '../../protocol/carrier/cipher.ts';
import { encodeHello, type OpenHello, offer } from '../../protocol/carrier/hello.ts';
import { initiate, PROLOGUE } from '../../protocol/carrier/noise.ts';
import { HELLO_AGE_MAX, HELLO_MAX, HELLO_OVERHEAD, INVITE_ID } from '../../protocol/limits.ts';
import { type Invite, inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { statusKeyOf } from '../../protocol/permits/status.ts';
import { openHello, random } from './open-hello.ts';

const DAY = 24 * 60 * 60_000;
const KEY = 32;

/** The value of `Sec-WebSocket-Protocol`; a new one each time. */
export type Offer = () => Promise<string | undefined>;

export class PrivateRelay {
  readonly #secret = random(KEY);
  readonly #oldSecret = random(KEY);
  readonly #revoked = random(INVITE_ID);
  readonly #backend: string;
  readonly vars: Record<string, string>;

  /**
   * @param backend an address that it reaches
   * @param backends its `BACKENDS`
   */
  constructor(backend: string, backends: string) {
    this.#backend = backend;
    this.vars = {
      ACCESS: 'invite',
      BACKENDS: backends,
      RELAY_KEY: toBase64url(this.#secret),
      OLD_RELAY_KEY: toBase64url(this.#oldSecret),
      OLD_KEY_UNTIL: '2026-01-01',
      REVOKED: toBase64url(this.#revoked),
    };
  }

  key(): Promise<Bytes> {
    return Promise.resolve(native.publicKey(this.#secret));
  }

  async invite(varied: Partial<Invite> = {}, secret = this.#secret): Promise<Bytes> {
    return signed(await inviteKeyOf(native, secret), varied);
  }

  /** For a hello of kind status. */
  async token(varied: Partial<Invite> = {}, secret = this.#secret): Promise<Bytes> {
    return signed(await statusKeyOf(native, secret), varied);
  }

  /** An open hello's payload, with a good invite. */
  async payload(varied: Partial<OpenHello> = {}): Promise<Bytes> {
    return encodeHello(openHello(this.#backend, { invite: await this.invite(), ...varied }));
  }

  /** A hello that is admitted. */
  valid(varied: Partial<OpenHello> = {}): Offer {
    return async () => this.offer(await this.payload(varied));
  }

  /** @param change what is done to the message before it is sent */
  async offer(
    payload: Bytes,
    { key, prologue = PROLOGUE, change = (message: Bytes) => message }: Sealing = {},
  ): Promise<string> {
    const initiator = await initiate(native, prologue, key ?? (await this.key()), random(KEY));
    return offer(random(12), change(await initiator.writeHello(payload))).join(', ');
  }

  /** Everything that makes a stranger's, by what is wrong with it. */
  strangers(): Record<string, Offer> {
    return { ...this.#noHellos(), ...this.#unopened(), ...this.#opened() };
  }

  #noHellos(): Record<string, Offer> {
    const valid = async () => (await this.valid()()) as string;
    return {
      'no subprotocol': async () => undefined,
      'an empty subprotocol': async () => '',
      'an ordinary subprotocol': async () => 'chat',
      'two ordinary subprotocols': async () => 'chat, superchat',
      'no token': async () => (await valid()).split(', ')[1],
      'a short token': async () => (await valid()).slice(1),
      'a third subprotocol': async () => `${await valid()}, chat`,
      'letters outside of base64url': async () => (await valid()).replace(/.$/, '!'),
      'a hello above its length': async () => offer(random(12), random(HELLO_MAX + 1)).join(', '),
      'a header above its length': async () => `${await valid()}${' '.repeat(4096)}, chat`,
    };
  }

  #unopened(): Record<string, Offer> {
    const changed =
      (change: (message: Bytes) => Bytes): Offer =>
      async () =>
        this.offer(await this.payload(), { change });
    const sealedFor =
      (sealing: () => Promise<Sealing>, by?: Bytes): Offer =>
      async () =>
        this.offer(await this.payload({ invite: await this.invite({}, by) }), await sealing());
    const publicKey = async (secret: Bytes) => native.publicKey(secret);
    return {
      'a random hello': async () => offer(random(12), random(304)).join(', '),
      'a hello without its last byte': changed((message) => message.slice(0, -1)),
      'a hello without a payload': changed((message) => message.slice(0, HELLO_OVERHEAD)),
      'the shortest hello': changed((message) => message.slice(0, HELLO_OVERHEAD + 1)),
      'a bit flipped in the key': changed((message) => flipped(message, 5)),
      'a bit flipped in the payload': changed((message) => flipped(message, KEY + 5)),
      'a bit flipped in the tag': changed((message) => flipped(message, message.length - 1)),
      'a key of small order': changed((message) => concat(new Uint8Array(KEY), message.slice(KEY))),
      'another prologue': sealedFor(async () => ({ prologue: new Uint8Array(8) })),
      'another key': sealedFor(async () => ({ key: await publicKey(random(KEY)) })),
      'the old key after its day': sealedFor(async () => ({ key: await publicKey(this.#oldSecret) }), this.#oldSecret),
    };
  }

  #opened(): Record<string, Offer> {
    const with_ =
      (invite: () => Promise<Bytes> | Bytes): Offer =>
      async () =>
        this.offer(await this.payload({ invite: await invite() }));
    const changed =
      (change: (payload: Bytes) => Bytes, varied: Partial<OpenHello> = {}): Offer =>
      async () =>
        this.offer(change(await this.payload(varied)));
    const status =
      (token: () => Promise<Bytes> | Bytes): Offer =>
      async () =>
        this.offer(await this.payload({ kind: 'status', invite: await token() }));
    return {
      'a stale hello': async () => this.valid({ time: Date.now() - HELLO_AGE_MAX - 2000 })(),
      'a hello dated ahead': async () => this.valid({ time: Date.now() + HELLO_AGE_MAX + 60_000 })(),
      'a payload that ends early': changed((payload) => payload.slice(0, 60)),
      'a payload of one byte': changed((payload) => payload.slice(0, 1)),
      'no invite': with_(() => EMPTY),
      'a random invite': with_(() => random(30)),
      'an invite of one byte': with_(() => random(1)),
      'a forged invite': with_(() => this.invite({}, random(KEY))),
      'an invite under the old key': with_(() => this.invite({}, this.#oldSecret)),
      'a bit flipped in the invite': with_(async () => flipped(await this.invite(), 8)),
      'an invite without its last byte': with_(async () => (await this.invite()).slice(0, -1)),
      'an expired invite': with_(() => this.invite({ expires: Date.now() - 1000 })),
      'an expired invite under the old key': async () =>
        this.offer(await this.payload({ invite: await this.invite({ expires: 0 }, this.#oldSecret) }), {
          key: await native.publicKey(this.#oldSecret),
        }),
      'a revoked invite': with_(() => this.invite({ id: this.#revoked })),
      'a status without a token': status(() => EMPTY),
      'a status with an invite': status(() => this.invite()),
      'a status with a forged token': status(() => this.token({}, random(KEY))),
      'a status with a token under the old key': status(() => this.token({}, this.#oldSecret)),
      'a status with a bit flipped in the token': status(async () => flipped(await this.token(), 8)),
      'a status with an expired token': status(() => this.token({ expires: Date.now() - 1000 })),
      'the token of a status for an invite': with_(() => this.token()),
      'a version to come, without an invite': changed((payload) => concat(Uint8Array.of(2), payload.slice(1)), {
        invite: EMPTY,
      }),
    };
  }
}

function signed(key: Bytes, varied: Partial<Invite>): Promise<Bytes> {
  const usual = { id: random(INVITE_ID), expires: Date.now() + DAY, sessions: 0, backends: '' };
  return signInvite(native, key, { ...usual, ...varied });
}

interface Sealing {
  key?: Bytes;
  prologue?: Bytes;
  change?: (message: Bytes) => Bytes;
}

function flipped(bytes: Bytes, at: number): Bytes {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
