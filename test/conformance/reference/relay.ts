/** A relay of this room's own, which keeps every rule but those that it is told to break. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { toBase64url } from '../codec/bytes.ts';
import { RESETS } from '../codec/frames.ts';
import type { Keys } from '../codec/handshake.ts';
import { formatLink } from '../codec/link.ts';
import {
  encodeGrant,
  type Grant,
  NO_GRANT,
  type OpenHello,
  paddedGrant,
  RESUMABLE,
  type ResumeHello,
} from '../codec/payloads.ts';
import { inviteKeyOf, signInvite, TOKEN } from '../codec/permits.ts';
import { publicKeyOf } from '../codec/primitives.ts';
import { Line } from '../peer/line.ts';
import { Session, WINDOW } from '../peer/session.ts';
import { type Admitted, Gate, Stranger } from './gate.ts';

const PAGE = 'Hello.\n';
const KEEPALIVE = 25_000;
const FIRST_RECORD_TIMEOUT = 10_000;
const PATIENCE = 60;
const CHECK = 65_536;
const NOT_ALLOWED = 2;
const BACKEND_DOWN = 3;
const UNKNOWN = 5;

interface Held {
  session: Session;
  secret: Buffer;
  latest: number;
}

class Relay {
  readonly #secret = randomBytes(32);
  readonly #key = publicKeyOf(this.#secret);
  readonly #breaks: ReadonlySet<string>;
  readonly #backend: string;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #sessions = new Map<string, Held>();
  readonly #gate: Gate;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(backend: string, breaks: ReadonlySet<string>) {
    [this.#backend, this.#breaks] = [backend, breaks];
    this.#gate = new Gate(this.#secret, breaks, (session) => this.#sessions.get(session)?.secret);
    this.#server = createServer(({ url }, response) => {
      const body = url?.endsWith('.well-known/puente') ? this.#published : PAGE;
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length }).end(body);
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  get #published(): string {
    const key = this.#breaks.has('well-known') ? randomBytes(32) : this.#key;
    return JSON.stringify({ version: 1, key: toBase64url(key) });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    const invite = signInvite(inviteKeyOf(this.#secret), {
      id: randomBytes(6),
      expires: 2 ** 32 - 1,
      sessions: 0,
      backends: '',
    });
    return formatLink({ address: `http://127.0.0.1:${port}/`, key: this.#key, invite });
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const client of this.#sockets.clients) client.terminate();
    for (const { session } of this.#sessions.values()) session.abandon();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  // --- who may come in

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    let admitted: Admitted;
    try {
      admitted = this.#gate.admit(request.headers['sec-websocket-protocol'] ?? '');
    } catch (error) {
      const isLetIn = error instanceof Stranger && this.#breaks.has(error.rule);
      const status = isLetIn ? '101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade' : '200 OK';
      const rest = isLetIn ? '' : `Content-Type: text/plain\r\nContent-Length: ${PAGE.length}\r\nConnection: close\r\n`;
      return void socket.end(`HTTP/1.1 ${status}\r\n${rest}\r\n${isLetIn ? '' : PAGE}`);
    }
    const { token } = admitted;
    this.#sockets.options.handleProtocols = () => (this.#breaks.has('token-echo') ? token.slice(0, TOKEN) : token);
    this.#sockets.handleUpgrade(request, socket, head, (carrier) => void this.#serve(carrier, admitted));
  }

  // --- what is granted

  async #serve(socket: WebSocket, { responder, hello }: Admitted): Promise<void> {
    let isEager = false;
    const early = () => {
      isEager = true;
      if (!this.#breaks.has('early-message')) socket.close();
    };
    socket.on('message', early);
    // As long as it takes to connect a backend.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const grant = (fields: Partial<Grant>): { line: Line; keys: Keys } => {
      socket.off('message', early);
      const whole = { version: 1, code: 0, ...NO_GRANT, limit: WINDOW, ...fields };
      const payload = this.#breaks.has('grant-form') ? encodeGrant(whole) : paddedGrant(whole, hello?.allowance ?? 0);
      const { message, keys } = responder.message2(payload);
      const line = new Line(socket, keys.kr, keys.kc);
      if (isEager) line.listen({ frames() {}, wrong() {}, closed() {} });
      socket.send(message);
      if (whole.code !== 0 && !this.#breaks.has('refusal-closes')) line.close();
      return { line, keys };
    };
    if (!hello) return void grant({ code: 1 });
    if (hello.kind === 'resume') return this.#resume(socket, hello, grant);
    if (hello.kind === 'check') return this.#check(socket, hello, grant);
    if (hello.backend !== this.#backend)
      return void grant({ code: this.#breaks.has('backend-refused') ? 3 : NOT_ALLOWED });
    return this.#open(socket, hello, grant);
  }

  async #open(
    socket: WebSocket,
    hello: OpenHello,
    grant: (fields: Partial<Grant>) => { line: Line; keys: Keys },
  ): Promise<void> {
    const backend = await connected(this.#backend);
    if (!backend) return void grant({ code: BACKEND_DOWN });
    const isResumable = (hello.options & RESUMABLE) !== 0 || this.#breaks.has('grant-option');
    const session = this.#piped(backend, isResumable);
    const id = randomBytes(16);
    const { length } = hello.earlyData;
    const fields = isResumable ? { options: RESUMABLE, patience: PATIENCE, session: id } : {};
    const { line, keys } = grant({ ...fields, received: length });
    session.received = length;
    if (!this.#breaks.has('early-written')) backend.write(hello.earlyData, () => session.consume(length));
    if (isResumable) this.#sessions.set(id.toString('hex'), { session, secret: keys.secret, latest: 0 });
    const allowance = isResumable && hello.allowance !== 0 ? hello.allowance : Infinity;
    session.attach({ line, peer: { received: 0, limit: hello.limit }, resumable: isResumable, allowance });
    this.#hears(socket, () => session.reset('silent'));
    this.#keepAlive(session);
  }

  /** @param isSilent is called where no record comes */
  #hears(socket: WebSocket, isSilent: () => void): void {
    let hasHeard = false;
    socket.once('message', () => {
      hasHeard = true;
    });
    if (!this.#breaks.has('silent')) this.#later(FIRST_RECORD_TIMEOUT, () => !hasHeard && isSilent());
  }

  #keepAlive(session: Session): void {
    if (session.end || this.#breaks.has('keepalive')) return;
    session.flush(true);
    this.#later(KEEPALIVE, () => this.#keepAlive(session));
  }

  #piped(backend: Socket, isResumable: boolean): Session {
    const breaks = this.#breaks;
    const session: Session = new Session(
      {
        data: (bytes) => void backend.write(bytes, () => session.consume(bytes.length)),
        fin: () => void (breaks.has('end-told') || backend.end()),
        stop: () => void backend.end(),
        lost() {},
        over(end) {
          if (end === 'complete' || (end === 'lost' && !breaks.has('plain-written') && !isResumable)) backend.end();
          else backend.destroy();
        },
      },
      breaks,
    );
    backend.on('data', (bytes: Buffer) => !session.isStopped && session.write(bytes));
    backend.on('end', () => session.finish());
    backend.on('error', () => session.reset(breaks.has('backend-reset') ? 'aborted' : 'backend-reset'));
    return session;
  }

  #resume(socket: WebSocket, hello: ResumeHello, grant: (fields: Partial<Grant>) => { line: Line; keys: Keys }): void {
    const held = this.#sessions.get(hello.session.toString('hex'));
    const { received, limit, carrier, allowance, session: id } = hello;
    if (!held) return void grant({ code: this.#breaks.has('resume-unknown') ? 4 : UNKNOWN });
    const { session } = held;
    if (carrier <= held.latest && !this.#breaks.has('resume-low')) return void grant({ code: UNKNOWN });
    if (session.end && this.#breaks.has('resume-ended')) return void grant({ code: UNKNOWN });
    const offsets = { ...session.offsets };
    if (this.#breaks.has('resume-grant')) offsets.received = 0;
    const { line } = grant({ options: RESUMABLE, patience: PATIENCE, session: id, ...offsets });
    if (session.end) return this.#tells(line, session);
    const attach = () => {
      held.latest = carrier;
      const before = session.line;
      session.attach({ line, peer: { received, limit }, resumable: true, allowance: allowance || Infinity });
      session.flush();
      before?.close();
    };
    if (this.#breaks.has('resume-moves')) return attach();
    socket.once('message', attach);
  }

  /** How it has ended. */
  #tells(line: Line, { end, offsets }: Session): void {
    const code = typeof end === 'object' ? RESETS[end.reset as keyof typeof RESETS] : RESETS.aborted;
    line.send(end === 'complete' ? [{ type: 'ack', ...offsets }] : [{ type: 'reset', code }]);
    line.close();
  }

  #check(socket: WebSocket, { limit }: OpenHello, grant: (fields: Partial<Grant>) => { line: Line; keys: Keys }): void {
    const breaks = this.#breaks;
    let total = 0;
    const session: Session = new Session(
      {
        data(bytes) {
          total += bytes.length;
          if (total > CHECK && !breaks.has('check-more')) return session.reset('backend-reset');
          session.consume(bytes.length);
          session.write(breaks.has('check-echo') ? Buffer.alloc(bytes.length) : bytes);
          // One byte more may come behind.
          if (total >= CHECK) setTimeout(() => session.finish(), 20);
        },
        fin() {},
        stop() {},
        lost() {},
        over() {},
      },
      breaks,
    );
    session.attach({ line: grant({}).line, peer: { received: 0, limit }, resumable: false });
    this.#hears(socket, () => session.reset('silent'));
  }
}

/** @returns nothing where nobody takes the connection */
async function connected(backend: string): Promise<Socket | undefined> {
  const [host, port] = backend.split(':');
  const socket = net.connect({ host: host as string, port: Number(port), allowHalfOpen: true });
  const isThere = await new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  return isThere ? socket : undefined;
}

export async function referenceRelay(
  backend: string,
  breaks: ReadonlySet<string> = new Set(),
): Promise<{ link: string; stop(): void }> {
  const relay = new Relay(backend, breaks);
  return { link: await relay.start(), stop: () => relay.stop() };
}
