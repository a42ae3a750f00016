/** Tests a client: a relay that plays a scenario, and the client's command beside it. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Keys, Responder } from '../codec/handshake.ts';
import { formatLink } from '../codec/link.ts';
import { type Grant, type Hello, NO_GRANT, paddedGrant, RESUMABLE, type ResumeHello } from '../codec/payloads.ts';
import { inviteKeyOf, signInvite } from '../codec/permits.ts';
import { hmac, publicKeyOf } from '../codec/primitives.ts';
import type { Judge } from '../judge/judge.ts';
import { BACKEND, judgeOffer } from '../judge/offer.ts';
import { Line } from '../peer/line.ts';
import { WINDOW } from '../peer/session.ts';
import { App } from './app.ts';
import { Talk, type Trial, type Wish } from './trial.ts';

/** How long a client may take to come, from when its command is started or its carrier is lost. */
const ARRIVAL = 20_000;

/** A command that runs. */
export interface Running {
  input: Writable;
  output: Readable;
  /** Its code, once it has ended. */
  exit: Promise<number>;
  kill(): void;
}

export type StartClient = (link: string, backend: string) => Running;

/** An upgrade request with a hello of version 1. */
export class Knock {
  readonly #accept: () => Promise<WebSocket>;
  readonly #socket: Duplex;
  readonly #responder: Responder;
  readonly hello: Hello;
  readonly at = performance.now();

  constructor(accept: () => Promise<WebSocket>, socket: Duplex, responder: Responder, hello: Hello) {
    this.#accept = accept;
    this.#socket = socket;
    this.#responder = responder;
    this.hello = hello;
  }

  get binding(): Buffer {
    return this.#responder.binding;
  }

  get ephemeral(): string {
    return this.#responder.ephemeral.toString('hex');
  }

  /** Answers 101, without a grant yet. */
  upgrade(): Promise<WebSocket> {
    return this.#accept();
  }

  /** Message 2 with this payload. */
  message2(payload: Buffer): Buffer {
    return this.#responder.message2(payload).message;
  }

  /** @param payload what stands for the grant's */
  async granted(payload: Buffer): Promise<{ line: Line; keys: Keys }> {
    const socket = await this.upgrade();
    const { message, keys } = this.#responder.message2(payload);
    const line = new Line(socket, keys.kr, keys.kc);
    socket.send(message);
    return { line, keys };
  }

  grant(fields: Partial<Grant>): Promise<{ line: Line; keys: Keys }> {
    const grant = { version: 1, code: 0, ...NO_GRANT, limit: WINDOW, ...fields };
    return this.granted(paddedGrant(grant, this.hello.allowance));
  }

  /** As an ordinary server answers. */
  async page(date = new Date()): Promise<void> {
    const body = 'Hello.\n';
    const head = ['HTTP/1.1 200 OK', `Date: ${date.toUTCString()}`, 'Content-Type: text/plain'];
    this.#socket.end(`${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  }

  /** As a network does that lets nothing through. */
  drop(): void {
    this.#socket.destroy();
  }
}

export class ClientTrial implements Trial {
  readonly side = 'client';
  readonly judge: Judge;
  readonly patience: number;
  readonly #start: StartClient;
  readonly #secret = randomBytes(32);
  readonly invite = signInvite(inviteKeyOf(this.#secret), {
    id: randomBytes(6),
    expires: Math.floor(Date.now() / 1000) + 3600,
    sessions: 0,
    backends: '',
  });
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: ([token]) => token ?? false,
  });
  readonly #knocks: Knock[] = [];
  readonly #seen = new Set<string>();
  /** The first bytes that the app was given. */
  first: Buffer = Buffer.alloc(0);
  app!: App;
  #running: Running | undefined;
  /** The command's, once it has ended. */
  exit: number | undefined;

  constructor(judge: Judge, start: StartClient, patience: number) {
    this.judge = judge;
    this.#start = start;
    this.patience = patience;
    this.#server = createServer((_request, response) => response.end('Hello.\n'));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Starts the command, with these first bytes for it. */
  async start(first: Buffer = Buffer.alloc(0)): Promise<App> {
    this.first = first;
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}/`;
    const running = this.#start(formatLink({ address, key: publicKeyOf(this.#secret), invite: this.invite }), BACKEND);
    this.#running = running;
    running.exit.then((code) => {
      this.exit = code;
    });
    this.app = new App(running.input, running.output);
    if (first.length > 0) this.app.write(first);
    return this.app;
  }

  async close(): Promise<void> {
    this.#running?.kill();
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const opened = judgeOffer(this.judge, request.headers['sec-websocket-protocol'] ?? '', this.#secret, this);
    if (!opened) return void socket.destroy();
    const { responder, hello } = opened;
    const key = responder.ephemeral.toString('hex');
    this.judge.rule('hello-fresh', !this.#seen.has(key), 'an ephemeral key came twice');
    this.#seen.add(key);
    const accept = () =>
      new Promise<WebSocket>((resolve) => this.#sockets.handleUpgrade(request, socket, head, resolve));
    this.#knocks.push(new Knock(accept, socket, responder, hello));
  }

  get isKnocked(): boolean {
    return this.#knocks.length > 0;
  }

  /** The next hello, if one comes. */
  async knock(ms = ARRIVAL): Promise<Knock | undefined> {
    await this.judge.within(ms, () => this.#knocks.length > 0 || this.exit !== undefined);
    return this.#knocks.shift();
  }

  async firstKnock(first?: Buffer): Promise<Knock> {
    await this.start(first);
    return (await this.knock()) ?? this.judge.leave('no hello has come');
  }

  async open(wish: Wish = {}): Promise<Talk> {
    return this.openFrom(await this.firstKnock(), wish);
  }

  async openFrom(knock: Knock, wish: Wish, patience = 60): Promise<Talk> {
    const { hello } = knock;
    if (hello.kind !== 'open') return this.judge.leave(`a hello of kind ${hello.kind} has come`);
    const resumable = wish.resumable === true && (hello.options & RESUMABLE) !== 0;
    if (wish.resumable && !resumable) return this.judge.leave('the client asks for no resumable session');
    const talk = new Talk(this.judge, wish, resumable, hello.limit, this.app);
    const session = randomBytes(16);
    const fields = resumable ? { options: RESUMABLE, patience, session } : {};
    const { line, keys } = await knock.grant({ ...fields, limit: talk.session.offsets.limit });
    talk.attach(line, { received: 0, limit: hello.limit }, 0, resumable ? hello.allowance : 0, this.side);
    if (resumable) {
      let latest = 0;
      talk.again = async () => {
        const next = (await this.knock()) ?? this.judge.leave('the client does not resume');
        latest = this.#judgeResume(talk, next, keys.secret, latest);
        await this.resume(talk, next, { ...fields, ...talk.session.offsets });
      };
    }
    return talk;
  }

  /** Grants a resume. */
  async resume(talk: Talk, knock: Knock, fields: Partial<Grant>): Promise<void> {
    const { received, limit, allowance } = knock.hello as ResumeHello;
    const before = talk.session.received;
    const { line } = await knock.grant(fields);
    talk.attach(line, { received, limit }, before, allowance, this.side);
  }

  /** @returns the number of the carrier */
  #judgeResume(talk: Talk, { hello, binding }: Knock, secret: Buffer, latest: number): number {
    const { judge } = this;
    if (hello.kind !== 'resume') return judge.leave('the client opens another session');
    const { carrier, mac, received, limit } = hello;
    judge.must('resume-number', carrier > latest, `carrier ${carrier} came after ${latest}`);
    judge.must('resume-mac', mac.equals(hmac(secret, binding)), 'the mac is wrong');
    const most = talk.session.sentEnd;
    judge.must('resume-offsets', received <= most, `${received} are said to have come where ${most} were sent`);
    // While the carrier before it is alive, it may have told more meanwhile.
    if (talk.isCut)
      judge.must('resume-offsets', limit >= talk.watch.limit, `the limit is ${limit} after one of ${talk.watch.limit}`);
    return carrier;
  }
}
