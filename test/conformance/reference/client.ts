/** A client of this room's own, which keeps every rule but those that it is told to break. */
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { WebSocket } from 'ws';
import { toBase64url } from '../codec/bytes.ts';
import { Initiator, type Keys } from '../codec/handshake.ts';
import { type Link, parseLink } from '../codec/link.ts';
import {
  decodeGrant,
  encodeHello,
  type Grant,
  HELLO_OVERHEAD,
  type Hello,
  paddedHello,
  RESUMABLE,
} from '../codec/payloads.ts';
import { randomTail, tokenOf } from '../codec/permits.ts';
import { hmac } from '../codec/primitives.ts';
import { HELLO_MAX } from '../judge/offer.ts';
import { Line, RECORD_COST_MIN } from '../peer/line.ts';
import { Session } from '../peer/session.ts';
import type { Running } from '../trial/client-trial.ts';

/** For the app's first bytes. */
const EARLY_WAIT = 5;
/** When a carrier is taken for frozen, and how much the next may carry each way then. */
const STALL = 1500;
const ALLOWANCE = 6000;
const DAY = 86_400_000;
const NONE = Buffer.alloc(0);

type Answer =
  | { line: Line; grant: Grant; keys: Keys }
  | { date: number }
  | 'refused'
  | 'session-unknown'
  | 'bad-grant'
  | 'unreachable';

class Client {
  readonly #link: Link;
  readonly #backend: string;
  readonly #breaks: ReadonlySet<string>;
  readonly #input: PassThrough;
  readonly #output: PassThrough;
  readonly #session: Session;
  #secret = randomBytes(32);
  #opening: Keys | undefined;
  #grant: Grant | undefined;
  #carrier = 0;
  #isLimited = false;
  #isResuming = false;
  #watching: NodeJS.Timeout | undefined;
  #answeredAt = 0;
  #exit!: (code: number) => void;
  readonly exit = new Promise<number>((resolve) => {
    this.#exit = resolve;
  });

  constructor(link: string, backend: string, input: PassThrough, output: PassThrough, breaks: ReadonlySet<string>) {
    this.#link = parseLink(link);
    [this.#backend, this.#input, this.#output, this.#breaks] = [backend, input, output, breaks];
    this.#session = new Session(
      {
        data: (bytes) => output.write(bytes, () => this.#session.consume(bytes.length)),
        fin: () => output.end(),
        stop() {},
        lost: () => void this.#resume(),
        over: (end) => this.#end(end === 'complete' && !breaks.has('end-told') ? 0 : 1),
      },
      breaks,
    );
  }

  kill(): void {
    this.#session.abandon();
    this.#end(1);
  }

  #end(code: number): void {
    clearInterval(this.#watching);
    this.#output.end();
    this.#exit(code);
  }

  #fail(rule: 'stranger-final' | 'refusal-final' | 'grant-bad' | 'lost-error'): void {
    this.#end(this.#breaks.has(rule) ? 0 : 1);
    this.#session.abandon();
  }

  async run(): Promise<void> {
    const first = await this.#first();
    const isEarly = first.subarray(0, 2).toString() === 'WA' || this.#breaks.has('hello-early');
    const earlyData = isEarly ? first : NONE;
    const hello = {
      kind: 'open',
      options: RESUMABLE,
      backend: this.#backend,
      earlyData,
      limit: this.#session.offsets.limit,
    } as const;
    this.#session.sentEnd = earlyData.length;
    let answer = await this.#knock(hello);
    if (typeof answer === 'object' && 'date' in answer) {
      const off = answer.date - Date.now();
      const isBelieved = Math.abs(off) < DAY || this.#breaks.has('clock-day');
      if (Math.abs(off) > DAY / 600 && isBelieved)
        answer = await this.#knock(hello, this.#breaks.has('clock-once') ? 2 * off : off);
    }
    if (answer === 'bad-grant') return this.#fail('grant-bad');
    if (answer === 'refused' || answer === 'session-unknown') return this.#fail('refusal-final');
    if (answer === 'unreachable' || 'date' in answer) return this.#fail('stranger-final');
    this.#begin(answer, first, earlyData.length);
  }

  async #first(): Promise<Buffer> {
    await new Promise((resolve) => setTimeout(resolve, EARLY_WAIT));
    return (this.#input.read() as Buffer | null) ?? NONE;
  }

  #begin({ line, grant, keys }: Exclude<Answer, string | { date: number }>, first: Buffer, early: number): void {
    const session = this.#session;
    [this.#opening, this.#grant] = [keys, grant];
    if (first.length > 0) session.write(first);
    this.#input.on('data', (bytes: Buffer) => session.write(bytes));
    this.#input.on('end', () => session.finish());
    this.#output.on('close', () => session.theirEnd === undefined && session.stop());
    const isResumable = (grant.options & RESUMABLE) !== 0;
    const peer = this.#breaks.has('early-continue') ? { ...grant, received: early } : grant;
    session.attach({ line, peer, resumable: isResumable });
    if (!this.#breaks.has('first-record')) session.flush(true);
    if (isResumable) this.#watch();
  }

  /** Whether answers come, and the allowance lasts. */
  #watch(): void {
    this.#answeredAt = Date.now();
    let pongs = -1;
    this.#watching = setInterval(() => {
      const { line } = this.#session;
      if (this.#session.pongs > pongs) this.#answeredAt = Date.now();
      pongs = this.#session.pongs;
      if (!line || this.#isResuming) return;
      if (this.#isLimited && ALLOWANCE - Math.max(line.sent, line.heard) < 2 * RECORD_COST_MIN)
        return void this.#resume();
      if (Date.now() - this.#answeredAt > STALL) {
        this.#isLimited = true;
        return void this.#resume();
      }
      if (!this.#isLimited) this.#session.ping();
      else if (line.heard > 0) this.#answeredAt = Date.now();
    }, 100);
  }

  async #resume(): Promise<void> {
    const session = this.#session;
    const { secret } = this.#opening as Keys;
    const { patience, session: id } = this.#grant as Grant;
    if (patience === 0) return void (this.#breaks.has('lost-error') && this.#end(0));
    if (this.#isResuming) return;
    this.#isResuming = true;
    const deadline = this.#breaks.has('resume-patience') ? Infinity : Date.now() + patience * 1000;
    while (!session.end && Date.now() < deadline) {
      if (!this.#breaks.has('resume-number')) this.#carrier += 1;
      else this.#carrier = 1;
      const offsets = { ...session.offsets };
      if (this.#breaks.has('resume-offsets')) offsets.received += 99_999;
      const answer = await this.#knock({
        kind: 'resume',
        options: 0,
        ...offsets,
        carrier: this.#carrier,
        session: id,
        mac: secret,
      });
      if (typeof answer === 'object' && 'line' in answer) return this.#attach(answer);
      const isFinal = answer === 'session-unknown' || answer === 'bad-grant';
      if (isFinal && !this.#breaks.has('resume-final')) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    session.abandon();
  }

  #attach({ line, grant }: { line: Line; grant: Grant }): void {
    const session = this.#session;
    const before = session.line;
    this.#isResuming = false;
    this.#answeredAt = Date.now();
    session.attach({ line, peer: grant, resumable: true, ...(this.#isLimited && { allowance: ALLOWANCE }) });
    before?.close();
    if (!this.#breaks.has('resume-first')) session.flush(true);
  }

  // --- one carrier

  #offer(partial: Partial<Hello>, late: number): { names: string[]; initiator: Initiator; hello: Hello } {
    const breaks = this.#breaks;
    const { key, invite } = this.#link;
    if (!breaks.has('hello-fresh')) this.#secret = randomBytes(32);
    const initiator = new Initiator(key, this.#secret, breaks.has('hello-opens') ? 'puente/0' : 'puente/1');
    const time = Math.floor((Date.now() + late) / 1000);
    const allowance = this.#isLimited ? ALLOWANCE : 0;
    const hello = { version: 1, time, invite, allowance, ...partial } as Hello;
    if (hello.kind === 'resume') hello.mac = hmac(hello.mac, breaks.has('resume-mac') ? NONE : initiator.binding);
    if (hello.kind === 'open' && breaks.has('hello-fields')) hello.backend = 'elsewhere:1';
    const payload = breaks.has('hello-length') ? encodeHello(hello) : paddedHello(hello, HELLO_MAX - HELLO_OVERHEAD);
    const written = toBase64url(initiator.message1(payload));
    const proof = breaks.has('offer-token') ? 'A'.repeat(16) : tokenOf(key, written);
    const token = proof + (allowance === 0 || breaks.has('limited-hello') ? randomTail() : '');
    return { names: breaks.has('offer-form') ? [token, written, 'chat'] : [token, written], initiator, hello };
  }

  #knock(partial: Partial<Hello>, late = 0): Promise<Answer> {
    const { names, initiator } = this.#offer(partial, late);
    const socket = new WebSocket(this.#link.address.replace(/^http/, 'ws'), names, { perMessageDeflate: false });
    return new Promise((resolve) => {
      socket.on('error', () => resolve('unreachable'));
      socket.on('close', () => resolve('unreachable'));
      socket.on('unexpected-response', (request, { headers }) => {
        request.destroy();
        resolve({ date: Date.parse(headers.date ?? '') });
      });
      if (this.#breaks.has('grant-wait')) socket.on('open', () => socket.send(randomBytes(40)));
      socket.once('message', (message: Buffer) => {
        const answer = this.#read(socket, initiator, message);
        if (typeof answer === 'string' && !(answer === 'bad-grant' && this.#breaks.has('grant-bad'))) socket.close();
        resolve(answer);
      });
    });
  }

  #read(socket: WebSocket, initiator: Initiator, message: Buffer): Answer {
    try {
      const { payload, keys } = initiator.message2(message);
      const grant = decodeGrant(payload);
      if (grant.code !== 0) return grant.code === 5 ? 'session-unknown' : 'refused';
      if (this.#breaks.has('grant-ignored') && (grant.options & ~RESUMABLE) !== 0) return 'refused';
      return { line: new Line(socket, keys.kc, keys.kr), grant, keys };
    } catch {
      return 'bad-grant';
    }
  }
}

/** As a command: its streams, and how it ends. */
export const referenceClient =
  (breaks: ReadonlySet<string> = new Set()) =>
  (link: string, backend: string): Running => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const client = new Client(link, backend, input, output, breaks);
    void client.run();
    return { input, output, exit: client.exit, kill: () => client.kill() };
  };
