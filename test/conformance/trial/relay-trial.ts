/** Tests a relay: a client that plays a scenario, and the backend that the relay connects to. */
import { randomBytes } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { toBase64url } from '../codec/bytes.ts';
import { Initiator, type Keys } from '../codec/handshake.ts';
import {
  decodeGrant,
  GRANT_LIMITED,
  GRANT_MAX,
  GRANT_MIN,
  type Grant,
  HELLO_OVERHEAD,
  type Hello,
  type OpenHello,
  paddedHello,
  RESUMABLE,
  type ResumeHello,
} from '../codec/payloads.ts';
import { randomTail, tokenOf } from '../codec/permits.ts';
import { hmac } from '../codec/primitives.ts';
import type { Judge } from '../judge/judge.ts';
import { HELLO_MAX } from '../judge/offer.ts';
import type { RuleId } from '../judge/rules.ts';
import { Line } from '../peer/line.ts';
import { WINDOW } from '../peer/session.ts';
import { App } from './app.ts';
import type { OwnBackend } from './own-backend.ts';
import type { Target } from './target.ts';
import { Talk, type Trial, type Wish } from './trial.ts';

const NONE = Buffer.alloc(0);

/** What a relay answers to a stranger. */
export interface Page {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

export interface Opened {
  grant: Grant;
  line: Line;
  keys: Keys;
  /** The relay's connection to the backend. */
  socket?: Socket;
}

/** A hello, and what its answer will be read with. */
interface Offer {
  header: string;
  names: [string, string];
  initiator: Initiator;
  hello: Hello;
}

export interface Refused {
  code: number;
  line: Line;
}

/** How a hello differs from an ordinary one. */
export interface Twist {
  hello?: Partial<OpenHello>;
  resume?: Omit<ResumeHello, 'version' | 'time' | 'invite' | 'kind' | 'options' | 'mac'> & {
    secret: Buffer;
    wrongMac?: boolean;
  };
  /** Changes the payload. */
  payload?: (payload: Buffer) => Buffer;
  /** Changes the two names. */
  offer?: (token: string, hello: string) => string;
  prologue?: string;
  key?: Buffer;
  tail?: string;
}

export class RelayTrial implements Trial {
  readonly side = 'relay';
  readonly judge: Judge;
  readonly patience: number;
  readonly exit = undefined;
  readonly target: Target;
  readonly #ending: (() => void)[] = [];

  constructor(judge: Judge, target: Target, patience: number) {
    this.judge = judge;
    this.target = target;
    this.patience = patience;
  }

  async close(): Promise<void> {
    for (const end of this.#ending) end();
  }

  // --- requests

  #request(headers: Record<string, string>, path = ''): Promise<IncomingMessage | 'let in'> {
    const url = new URL(path, this.target.address);
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? https : http).get(url, { headers, agent: false });
      request.on('response', resolve).on('error', reject);
      request.on('upgrade', (_response, socket) => {
        socket.destroy();
        resolve('let in');
      });
    });
  }

  /** An ordinary request's answer, or that of an upgrade with this header. */
  async page(offer?: string, path = ''): Promise<Page | 'let in'> {
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };
    const key = { 'Sec-WebSocket-Key': randomBytes(16).toString('base64') };
    const headers = offer === undefined ? {} : { ...upgrade, ...key, 'Sec-WebSocket-Protocol': offer };
    const response = await this.#request(headers, path);
    if (response === 'let in') return response;
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    const { date, connection, 'keep-alive': _, ...rest } = response.headers;
    return { status: response.statusCode ?? 0, headers: rest, body: Buffer.concat(parts).toString('latin1') };
  }

  // --- hellos

  #hello({ hello, resume }: Twist, binding: Buffer): Hello {
    const common = { version: 1, time: Math.floor(Date.now() / 1000), invite: this.target.invite, options: 0 };
    if (resume) {
      const { secret, wrongMac, ...rest } = resume;
      const mac = hmac(secret, binding);
      if (wrongMac) mac.writeUInt8(mac.readUInt8() ^ 1);
      return { kind: 'resume', ...common, ...rest, mac };
    }
    const { backend } = this.target;
    return { kind: 'open', ...common, allowance: 0, limit: WINDOW, backend, earlyData: NONE, ...hello };
  }

  offer(twist: Twist = {}): Offer {
    const { key = this.target.key, prologue } = twist;
    const initiator = new Initiator(key, randomBytes(32), prologue);
    const hello = this.#hello(twist, initiator.binding);
    const payload = paddedHello(hello, HELLO_MAX - HELLO_OVERHEAD);
    const written = toBase64url(initiator.message1(twist.payload?.(payload) ?? payload));
    const tail = twist.tail ?? (hello.allowance === 0 ? randomTail() : '');
    const names: [string, string] = [tokenOf(this.target.key, written) + tail, written];
    return { header: twist.offer?.(...names) ?? names.join(', '), names, initiator, hello };
  }

  /**
   * Opens a carrier; a session of the backend's with the connection that comes to it.
   * @param rule that is broken where it is not let in
   */
  async dial(twist: Twist = {}, rule: RuleId = 'token-echo'): Promise<Opened | Refused> {
    const offer = this.offer(twist);
    const { own } = this.target;
    if (offer.hello.kind !== 'open' || !own) return this.#dial(offer, rule);
    return this.target.inTurn(async () => {
      own.connections.splice(0);
      const answer = await this.#dial(offer, rule);
      return 'code' in answer ? answer : { ...answer, socket: await this.#connection(own) };
    });
  }

  async #connection({ connections }: OwnBackend): Promise<Socket> {
    await this.judge.within(this.patience, () => connections.length > 0);
    const socket = connections.shift() ?? this.judge.leave('the backend was not connected');
    this.#ending.push(() => socket.destroy());
    return socket;
  }

  async #dial({ names, initiator, hello }: Offer, rule: RuleId): Promise<Opened | Refused> {
    const { judge } = this;
    const socket = this.#socket(names);
    let opened: Opened | Refused | undefined;
    let why = '';
    socket.on('error', (error) => {
      why = error.message;
    });
    socket.on('upgrade', () => judge.rule('token-echo', true));
    socket.once('message', (message: Buffer) => {
      try {
        opened = this.#read(socket, initiator, hello, message);
      } catch (error) {
        judge.rule('grant-form', false, (error as Error).message);
      }
    });
    await judge.within(10_000, () => opened !== undefined || socket.readyState === WebSocket.CLOSED);
    if (!opened) {
      judge.must(rule, !/subprotocol|Unexpected server response/.test(why), why);
      return judge.leave(why || 'no grant has come');
    }
    return opened;
  }

  #socket(names: string[]): WebSocket {
    const socket = new WebSocket(this.target.address.replace(/^http/, 'ws'), names, { perMessageDeflate: false });
    this.#ending.push(() => socket.terminate());
    return socket;
  }

  #read(socket: WebSocket, initiator: Initiator, hello: Hello, message: Buffer): Opened | Refused {
    const { payload, keys } = initiator.message2(message);
    const line = new Line(socket, keys.kc, keys.kr);
    const most = hello.allowance === 0 ? GRANT_MAX : GRANT_LIMITED;
    const { length } = payload;
    this.judge.rule('grant-form', length >= GRANT_MIN && length <= most, `a payload of ${length} bytes`);
    const grant = decodeGrant(payload);
    if (grant.code !== 0) return { code: grant.code, line };
    this.judge.rule('grant-form', grant.limit >= grant.received, `a limit of ${grant.limit} below ${grant.received}`);
    const isResumable = (grant.options & RESUMABLE) !== 0;
    this.judge.rule('grant-form', isResumable || grant.patience === 0, 'patience without a resumable session');
    const isAsked = hello.kind === 'resume' || (hello.options & RESUMABLE) !== 0;
    this.judge.rule('grant-option', isAsked || !isResumable, 'it was not asked for');
    return { grant, line, keys };
  }

  /** Opens a carrier, and sends this before a grant can have come. */
  eager(message: Buffer): { line: { isClosed: boolean }; codes: number[] } {
    const { names, initiator } = this.offer();
    const socket = this.#socket(names);
    const line = { isClosed: false };
    const codes: number[] = [];
    socket.on('open', () => socket.send(message));
    socket.once('message', (granted: Buffer) => {
      const { kc, kr } = initiator.message2(granted).keys;
      new Line(socket, kc, kr).listen({
        frames(frames) {
          for (const frame of frames) if (frame.type === 'reset') codes.push(frame.code);
        },
        wrong() {},
        closed() {},
      });
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      line.isClosed = true;
    });
    return { line, codes };
  }

  /** As `dial`, where it has to be granted. */
  async granted(twist: Twist = {}): Promise<Opened> {
    const opened = await this.dial(twist);
    if ('code' in opened) return this.judge.leave(`the relay refuses with ${opened.code}`);
    return opened;
  }

  // --- sessions

  async open(wish: Wish = {}): Promise<Talk> {
    return (await this.openWith(wish)).talk;
  }

  async openWith(wish: Wish, twist: Twist = {}): Promise<{ talk: Talk; opened: Opened }> {
    const { allowance = 0, resumable = false, window = WINDOW } = wish;
    const hello = { allowance, options: resumable ? RESUMABLE : 0, limit: window, ...twist.hello };
    const opened = await this.granted({ ...twist, hello });
    const { grant, line, keys, socket } = opened;
    const isResumable = (grant.options & RESUMABLE) !== 0;
    if (resumable && !isResumable) return this.judge.leave('the relay grants no resumable session');
    const talk = new Talk(this.judge, wish, isResumable, grant.limit, socket && new App(socket, socket));
    talk.session.sentEnd = hello.earlyData?.length ?? 0;
    talk.attach(line, grant, 0, isResumable ? allowance : 0, this.side);
    talk.session.flush(true);
    let carrier = 0;
    talk.again = async () => {
      carrier += 1;
      const offsets = talk.session.offsets;
      const before = talk.session.received;
      const resume = { ...offsets, allowance, carrier, session: grant.session, secret: keys.secret };
      const next = await this.granted({ resume });
      talk.attach(next.line, next.grant, before, allowance, this.side);
      talk.session.flush(true);
    };
    return { talk, opened };
  }
}
