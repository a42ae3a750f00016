/** Opens one carrier. The hello goes out in the upgrade request; the first message back is the grant. */
import { type Bytes, bytesOf, EMPTY } from '../../protocol/bytes.ts';
import { Carrier, type CarrierEvents } from '../../protocol/carrier/carrier.ts';
import {
  decodeGrant,
  encodeHello,
  type Granted,
  type Hello,
  type OpenHello,
  type ResumeHello,
} from '../../protocol/carrier/hello.ts';
import { type Initiator, initiate, PROLOGUE, type Transport } from '../../protocol/carrier/noise.ts';
import { PuenteError, refusalOf } from '../../protocol/errors.ts';
import { HELLO_AGE_MAX, UNOPENED_RECORDS_MAX } from '../../protocol/limits.ts';
import { offerOf, tokenTail } from '../../protocol/permits/token.ts';
import { onAbort } from '../../protocol/waiting.ts';
import { random } from '../random.ts';
import type { Relay } from '../relays/resolve.ts';
import type { DialEvents, Runtime } from '../runtime.ts';

/**
 * The largest error of this device's clock that is corrected, in milliseconds. A server in the relay's place can send
 * any `Date`. A `Date` ten years ahead would get that server a hello that the relay accepts in ten years. A clock that
 * somebody has set is rarely a day off.
 */
export const CLOCK_ERROR_MAX = 24 * 60 * 60_000;

/** The fields of a hello that are the same in every attempt. */
export type HelloParts =
  | Omit<OpenHello, 'time' | 'invite'>
  /** `secret`: the secret of the handshake that opened the session. */
  | (Omit<ResumeHello, 'time' | 'invite' | 'mac'> & { secret: Bytes });

export interface OpenedCarrier {
  granted: Granted;
  /** Proves that a resume comes from the client that opened the session. */
  secret: Bytes;
  /** @param allowance what may be sent on the carrier, in bytes as `costOf` counts them */
  carry(events: CarrierEvents, allowance: number): Carrier;
  /** Delivers to the carrier every message since the grant, and every later one. */
  deliver(carrier: Carrier): void;
}

/**
 * Opens one carrier. If the host's `Date` shows that this device's clock is wrong, tries once more with a corrected
 * time.
 * @param signal gives up; until `carry` is called, aborting it closes the WebSocket
 * @throws PuenteError `link-invalid`, `unreachable`, `not-admitted`, `bad-grant`, or the relay's refusal
 */
export async function openCarrier(
  relay: Relay,
  runtime: Runtime,
  hello: HelloParts,
  signal: AbortSignal,
): Promise<OpenedCarrier> {
  for (let clockOffset = 0; ; ) {
    const answer = await knock(relay, runtime, hello, signal, clockOffset);
    if ('granted' in answer) return answer;
    // The relay cannot tell a client with a wrong clock from a stranger. The host's `Date` reveals the wrong clock.
    const late = (answer.date?.getTime() ?? Date.now()) - Date.now();
    const off = Math.abs(late);
    if (clockOffset !== 0 || off < HELLO_AGE_MAX / 2 || off > CLOCK_ERROR_MAX) throw answer.error;
    clockOffset = late;
  }
}

async function knock(
  relay: Relay,
  runtime: Runtime,
  hello: HelloParts,
  signal: AbortSignal,
  clockOffset: number,
): Promise<OpenedCarrier | Closed> {
  const cipher = await runtime.cipher();
  const initiator = await initiate(cipher, PROLOGUE, relay.key, random(32));
  const common = { time: Date.now() + clockOffset, invite: relay.invite ?? EMPTY };
  const whole: Hello =
    hello.kind === 'resume'
      ? { ...hello, ...common, mac: await cipher.hmac(hello.secret, initiator.binding) }
      : { ...hello, ...common };
  const isLimited = hello.allowance !== Infinity;
  const message = await sealHello(initiator, encodeHello(whole, random));
  const protocols = await offerOf(cipher, relay.key, message, isLimited ? '' : tokenTail(random));
  const inbox = new Inbox();
  const events: DialEvents = {
    message: (data) => inbox.message(data),
    closed: (error, date) => inbox.closed(error, date),
  };
  const wire = runtime.dial(relay.url.replace(/^http/, 'ws'), protocols, events, isLimited);
  const handOver = onAbort(signal, () => wire.close());
  const answer = await inbox.first;
  if (!(answer instanceof Uint8Array)) return answer;
  const { granted, transport } = await readGrant(initiator, answer);
  return {
    granted,
    secret: transport.secret,
    carry(events, allowance) {
      handOver();
      return new Carrier(transport, wire, events, allowance);
    },
    deliver: (carrier) => inbox.deliver(carrier),
  };
}

async function sealHello(initiator: Initiator, payload: Bytes): Promise<Bytes> {
  try {
    return await initiator.writeHello(payload);
  } catch {
    // The relay's key is a point of small order, which is nobody's public key.
    throw new PuenteError('link-invalid', 'not-a-key');
  }
}

async function readGrant(initiator: Initiator, message: Bytes): Promise<{ granted: Granted; transport: Transport }> {
  const reading = initiator.readGrant(message).then((read) => ({ ...read, grant: decodeGrant(read.payload) }));
  // A holder of the relay's key never sends a grant that does not open or does not parse.
  const { grant, transport } = await reading.catch(() => {
    throw new PuenteError('bad-grant');
  });
  // A code of a later version. Only an update tells what it means.
  if ('refusal' in grant) throw new PuenteError(refusalOf(grant.refusal) ?? 'version');
  return { granted: grant, transport };
}

interface Closed {
  error: PuenteError;
  date: Date | undefined;
}

/** Keeps the WebSocket's messages until a carrier can take them. */
class Inbox {
  readonly first: Promise<Bytes | Closed>;
  #answer!: (answer: Bytes | Closed) => void;
  #answered = false;
  #waiting: unknown[] = [];
  #lost = false;
  #carrier: Carrier | undefined;

  constructor() {
    this.first = new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  message(data: unknown): void {
    if (this.#carrier) return this.#carrier.receive(data);
    if (this.#answered) {
      // Keep as many messages as may wait to be opened, and one more, so that the carrier reports a flood. The carrier
      // counts their bytes.
      if (this.#waiting.length <= UNOPENED_RECORDS_MAX) this.#waiting.push(data);
      return;
    }
    this.#answered = true;
    this.#answer(bytesOf(data) ?? { error: new PuenteError('bad-grant'), date: undefined });
  }

  closed(error: PuenteError, date?: Date): void {
    this.#lost = true;
    this.#answer({ error, date });
    this.#carrier?.lost();
  }

  deliver(carrier: Carrier): void {
    this.#carrier = carrier;
    for (const message of this.#waiting) carrier.receive(message);
    this.#waiting = [];
    if (this.#lost) carrier.lost();
  }
}
