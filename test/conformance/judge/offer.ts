/** What the header of an upgrade request shows of a client. */
import { fromBase64url } from '../codec/bytes.ts';
import { Responder } from '../codec/handshake.ts';
import { decodeHello, HELLO_OVERHEAD, type Hello, helloLengths } from '../codec/payloads.ts';
import { TAIL_MAX, TOKEN, tokenOf } from '../codec/permits.ts';
import { publicKeyOf } from '../codec/primitives.ts';
import type { Judge } from './judge.ts';

/** The one that clients are asked to reach. */
export const BACKEND = 'chat.example.org:5223';

export const OFFER_MAX = 4096;
export const HELLO_MAX = 2987;

/** What the client was given. */
interface Given {
  invite: Buffer;
  /** The first bytes of the app. */
  first: Buffer;
}

/** @returns its hello, where it is one; all that is wrong with it is told */
export function judgeOffer(
  judge: Judge,
  header: string,
  secret: Buffer,
  given: Given,
): { responder: Responder; hello: Hello } | undefined {
  const [token = '', written = '', ...more] = header.split(/ *, */);
  const isToken = /^[\w-]*$/.test(token) && token.length >= TOKEN && token.length <= TOKEN + TAIL_MAX;
  judge.rule('offer-form', isToken && more.length === 0, `the header offers "${header.slice(0, 140)}…"`);
  judge.rule('offer-form', header.length <= OFFER_MAX, `the header has ${header.length} characters`);
  try {
    const message1 = read(judge, 'offer-form', () => fromBase64url(written));
    const isRight = token.startsWith(tokenOf(publicKeyOf(secret), written));
    judge.must('offer-token', isRight, 'the token is not that of the hello');
    const responder = read(judge, 'hello-opens', () => new Responder(secret, message1));
    const hello = read(judge, 'hello-fields', () => decodeHello(responder.payload));
    judgeHello(judge, hello, responder.payload, token, given);
    return judge.over === undefined ? { responder, hello } : undefined;
  } catch {
    return undefined;
  }
}

function read<T>(judge: Judge, rule: 'offer-form' | 'hello-opens' | 'hello-fields', decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    judge.must(rule, false, (error as Error).message);
    throw error;
  } finally {
    judge.rule(rule, true);
  }
}

function judgeHello(judge: Judge, hello: Hello, payload: Buffer, token: string, { invite, first }: Given): void {
  judge.rule('hello-fields', hello.invite.equals(invite), 'its invite is not that of the link');
  const { least, most } = helloLengths(hello, HELLO_MAX - HELLO_OVERHEAD);
  const { length } = payload;
  judge.rule('hello-length', length >= least && length <= most, `${length} bytes, not ${least} to ${most}`);
  if (hello.allowance !== 0)
    judge.rule('limited-hello', token.length === TOKEN, `its token has ${token.length} characters`);
  if (hello.kind !== 'open') return;
  judge.rule('hello-fields', hello.backend.toLowerCase() === BACKEND, `its backend is "${hello.backend}"`);
  const { earlyData } = hello;
  judge.rule(
    'hello-early',
    earlyData.length === 0 || isRepeatable(first),
    `it carries ${earlyData.length} bytes of a chat`,
  );
  judge.rule(
    'hello-early',
    first.subarray(0, earlyData.length).equals(earlyData),
    'its early data is not what the app has said',
  );
}

/** What WhatsApp begins with: the one thing that scenarios say which may come twice. */
const isRepeatable = (first: Buffer): boolean => first.subarray(0, 2).toString() === 'WA';
