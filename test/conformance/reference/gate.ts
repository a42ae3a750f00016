/** Whom a relay lets in (section 3): each check is one that it can be told to leave out. */
import { fromBase64url, Reader } from '../codec/bytes.ts';
import { Responder } from '../codec/handshake.ts';
import { decodeHello, type Hello, RESUMABLE, type ResumeHello } from '../codec/payloads.ts';
import { inviteKeyOf, openInvite, statusKeyOf, TAIL_MAX, TOKEN, tokenOf } from '../codec/permits.ts';
import { hmac, publicKeyOf } from '../codec/primitives.ts';
import { HELLO_MAX, OFFER_MAX } from '../judge/offer.ts';
import type { RuleId } from '../judge/rules.ts';

/** Seconds. */
const HELLO_AGE_MAX = 300;

/** A request is a stranger's. */
export class Stranger extends Error {
  /** The rule by which it is one. */
  readonly rule: RuleId;

  constructor(rule: RuleId) {
    super(rule);
    this.rule = rule;
  }
}

export interface Admitted {
  token: string;
  responder: Responder;
  /** None where its version or kind is unknown. */
  hello: Hello | undefined;
}

export class Gate {
  readonly #secret: Buffer;
  readonly #breaks: ReadonlySet<string>;
  readonly #secretOf: (session: string) => Buffer | undefined;
  readonly #seen = new Set<string>();

  /** @param secretOf that of a session which is there, by its id */
  constructor(secret: Buffer, breaks: ReadonlySet<string>, secretOf: (session: string) => Buffer | undefined) {
    [this.#secret, this.#breaks, this.#secretOf] = [secret, breaks, secretOf];
  }

  /** @throws Stranger */
  admit(header: string): Admitted {
    const [token = '', written = '', ...more] = header.split(/ *, */);
    const isToken = /^[\w-]*$/.test(token) && token.length >= TOKEN && token.length <= TOKEN + TAIL_MAX;
    const isShort = header.length <= OFFER_MAX && written.length <= Math.ceil((HELLO_MAX * 4) / 3);
    check('stranger-offer', isToken && isShort && more.length === 0);
    check('stranger-token', token.startsWith(tokenOf(publicKeyOf(this.#secret), written)));
    const responder = attempt('stranger-hello', () => new Responder(this.#secret, fromBase64url(written)));
    return { token, responder, hello: this.#hello(responder) };
  }

  #hello({ payload, ephemeral, binding }: Responder): Hello | undefined {
    const start = new Reader(payload);
    const [version, time, invite, kind] = attempt(
      'stranger-payload',
      () => [start.u8(), start.u32(), start.sized8(), start.u8()] as const,
    );
    const isKnown = version === 1 && kind < 4;
    const hello = isKnown ? attempt('stranger-payload', () => decodeHello(payload)) : undefined;
    check('stranger-time', Math.abs(Date.now() / 1000 - time) <= HELLO_AGE_MAX);
    const key = hello?.kind === 'status' ? statusKeyOf(this.#secret) : inviteKeyOf(this.#secret);
    attempt('stranger-permit', () => openInvite(key, invite));
    check('stranger-replay', !this.#seen.has(ephemeral.toString('hex')));
    this.#seen.add(ephemeral.toString('hex'));
    if (hello?.kind === 'resume') check('stranger-mac', this.#isProven(hello, binding));
    if (hello && this.#breaks.has('hello-ignored')) check('stranger-payload', (hello.options & ~RESUMABLE) === 0);
    if (!hello && this.#breaks.has('unknown-refused')) throw new Stranger('stranger-payload');
    return hello;
  }

  #isProven({ session, mac }: ResumeHello, binding: Buffer): boolean {
    const secret = this.#secretOf(session.toString('hex'));
    return !secret || hmac(secret, binding).equals(mac);
  }
}

function check(rule: RuleId, holds: boolean): void {
  if (!holds) throw new Stranger(rule);
}

function attempt<T>(rule: RuleId, run: () => T): T {
  try {
    return run();
  } catch {
    throw new Stranger(rule);
  }
}
