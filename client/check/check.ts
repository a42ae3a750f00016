/** The check: goes the whole way through a relay, stage by stage, and says where it ends and what to do then. */
import { type Bytes, concat, EMPTY, equal } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { CHECK_BYTES, HELLO_AGE_MAX } from '../../protocol/limits.ts';
import { decodeInvite } from '../../protocol/permits/invite.ts';
import { formatLink, parseLink, type RelayAddress } from '../../protocol/permits/link.ts';
import '../../protocol/sentences.ts';
import { backendName, type SocketAddress } from '../address.ts';
import { random } from '../random.ts';
import { findRelay } from '../relays/resolve.ts';
import type { DialStage, Runtime } from '../runtime.ts';
import { type Socket, socketThrough } from '../socket.ts';
import { CLOCK_ERROR_MAX } from '../tunnel.ts';
import { greeting, isAnswer, type Speech } from './greeting.ts';
import { NEXT_STEPS } from './next-steps.ts';

/** It goes there and back in such parts, each when the one before is back, so that it is known what came through. */
const CHECK_PART = 4096;

/** Relays that one client checks at a time. */
const CHECKS_AT_ONCE = 3;

/** How long a check waits for the backend's first bytes, and for each part to come back. */
const CHECK_ANSWER_TIMEOUT = 5000;

/**
 * In order: the relay's name, a connection, TLS, an HTTP answer, 101 for it, the relay's grant, the backend's connection, the
 * backend's first bytes, 64 KiB to the relay and back. A browser sees the first five as one, `hello`; an address that is no name has
 * no `dns`.
 */
export type Stage = DialStage | 'grant' | 'backend' | 'answer' | 'bulk';

export interface CheckedStage {
  stage: Stage;
  ok: boolean;
  /** Milliseconds since the stage before it. */
  ms: number;
}

export interface RelayReport {
  /** Its bare address: a link may hold an invite. */
  relay: string;
  /** Whether the backend's bytes came back, and 64 KiB went both ways where the relay had time for them. */
  ok: boolean;
  /** What is wrong, or for a relay that works, what should be known of it. */
  code: Code | null;
  /** The same in a sentence. */
  message: string;
  /** What to do. */
  next: string | null;
  stages: CheckedStage[];
}

export interface Report {
  /** In the order in which they were given. */
  relays: RelayReport[];
}

export interface CheckOptions {
  /**
   * The backend that must answer, `host:port`: with TLS, or as WhatsApp's servers do for `whatsapp://host:port`. Default:
   * `whatsapp://g.whatsapp.net:5222`. `null`: none is asked, and the stages `backend` and `answer` are left out.
   */
  backend?: SocketAddress | string | null;
  /** Told of each stage as it is over. */
  onStage?(relay: string, stage: CheckedStage): void;
}

/** @throws PuenteError `address-invalid` for the backend; what is wrong with a relay stands in its report */
export async function checkThrough(
  runtime: Runtime,
  relays: string | readonly string[],
  { backend = 'whatsapp://g.whatsapp.net:5222', onStage = () => {} }: CheckOptions,
): Promise<Report> {
  const target = backend === null ? undefined : targetOf(backend);
  const links = (typeof relays === 'string' ? [relays] : relays).entries();
  const reports: RelayReport[] = [];
  const checkNext = async (): Promise<void> => {
    for (const [index, link] of links) reports[index] = await new RelayCheck(link, runtime, target, onStage).run();
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, checkNext));
  return { relays: reports };
}

interface Target {
  backend: string;
  /** Its name or address alone. */
  host: string;
  speech: Speech;
}

function targetOf(address: SocketAddress | string): Target {
  const [, speech = 'tls', rest = ''] =
    typeof address === 'string' ? (/^(?:(tls|whatsapp):\/\/)?(.*)$/s.exec(address) ?? []) : [];
  const backend = backendName(typeof address === 'string' ? rest : address);
  return { backend, host: backend.slice(0, backend.lastIndexOf(':')), speech: speech as Speech };
}

const ORDER: readonly Stage[] = ['dns', 'tcp', 'tls', 'upgrade', 'hello', 'grant', 'backend', 'answer', 'bulk'];

const TLS: readonly Stage[] = ['tls'];
const OF_BACKEND: readonly Stage[] = ['backend', 'answer'];

/** Where it ended, when no stage before was seen. */
const FIRST: Partial<Record<Code, Stage>> = { 'name-unknown': 'dns', refused: 'tcp', 'no-answer': 'tcp' };

/** Refusals in which the relay has granted all that is its own. */
const OF_BACKENDS: readonly Code[] = ['backend-not-allowed', 'backend-down'];

/** As many bytes of a backend's answer as tell who speaks. */
const ANSWER_BEGINNING = 4;

/** What may be said of a relay that works. */
const REMARKS = {
  'clock-off': 'It works, though the clock of this device is wrong.',
  limited: 'It works. Whether the network lets much through was not tried: the relay lets that be done once a minute.',
  version: 'It works. Whether the network lets much through was not tried: the relay is of a version that cannot.',
};

type Remark = keyof typeof REMARKS;

/** All that is shown of text that is no link: a host that is too short to be a word. */
const HOST = /^(?:https?:\/\/)?[\w.-]{1,58}(?::\d+)?(?=$|[/?#])/i;

class RelayCheck {
  readonly #link: string;
  readonly #runtime: Runtime;
  /** `undefined`: the relay alone is checked. */
  readonly #target: Target | undefined;
  readonly #onStage: (relay: string, stage: CheckedStage) => void;
  readonly #stages: CheckedStage[] = [];
  #name: string;
  #since = performance.now();
  /** How far this device's clock is behind the host's, in milliseconds, where the host tells. */
  #late = 0;
  /** Of a relay that works. */
  #remark: Remark | undefined;

  constructor(
    link: string,
    runtime: Runtime,
    target: Target | undefined,
    onStage: (relay: string, stage: CheckedStage) => void,
  ) {
    this.#link = link;
    this.#runtime = runtime;
    this.#target = target;
    this.#onStage = onStage;
    this.#name = HOST.exec(link.trim())?.[0] ?? '';
  }

  async run(): Promise<RelayReport> {
    try {
      const address = parseLink(this.#link);
      this.#name = address.url;
      await this.#wayThrough(address).catch((error: unknown) => this.#narrow(error, address));
      return this.#report(undefined);
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      if (error.code !== 'link-invalid') this.#end(this.#stageOf(error.code), false);
      return this.#report(error);
    }
  }

  #report(error: PuenteError | undefined): RelayReport {
    const code = error?.code ?? this.#remark ?? null;
    const message = error?.message ?? (this.#remark ? REMARKS[this.#remark] : 'It works.');
    return { relay: this.#name, ok: !error, code, message, next: code && NEXT_STEPS[code], stages: this.#stages };
  }

  // --- stages -------------------------------------------------------------------------------------------------------

  #pass(stage: Stage): void {
    if (!this.#hasPassed(stage)) this.#end(stage, true);
  }

  #hasPassed(stage: Stage): boolean {
    return this.#stages.some((passed) => passed.stage === stage);
  }

  #end(stage: Stage, ok: boolean): void {
    const now = performance.now();
    const ended = { stage, ok, ms: Math.round(now - this.#since) };
    this.#since = now;
    this.#stages.push(ended);
    this.#onStage(this.#name, ended);
  }

  /** The one that failed, going by what has passed. */
  #stageOf(code: Code): Stage {
    const last = this.#stages.at(-1);
    if (!last) return FIRST[code] ?? 'hello';
    if (OF_BACKENDS.includes(code)) {
      this.#pass('grant');
      return 'backend';
    }
    const isPlain = this.#name.startsWith('http:');
    const leftOut: readonly Stage[] = [...(isPlain ? TLS : []), ...(this.#target ? [] : OF_BACKEND)];
    const order = ORDER.filter((stage) => !leftOut.includes(stage));
    return order[order.indexOf(last.stage) + 1] ?? 'bulk';
  }

  /** The runtime, with a look at how far each WebSocket comes. */
  #observed(): Runtime {
    const { dial } = this.#runtime;
    return {
      ...this.#runtime,
      dial: (url, protocols, events, thrifty) => {
        const observed = {
          message: (data: unknown) => {
            this.#pass('hello');
            events.message(data);
          },
          passed: (stage: DialStage) => this.#pass(stage),
          closed: (error: PuenteError, date?: Date) => {
            if (date) this.#late = date.getTime() - Date.now();
            events.closed(error, date);
          },
        };
        return dial(url, protocols, observed, thrifty);
      },
    };
  }

  async #wayThrough(address: RelayAddress): Promise<void> {
    if (!address.key) await this.#discover(address);
    if (this.#target) await this.#ask(this.#target);
    await this.#bulk();
  }

  // --- the way to the backend ---------------------------------------------------------------------------------------

  async #ask({ backend, host, speech }: Target): Promise<void> {
    const socket = socketThrough(this.#observed(), backend, { relay: this.#link });
    try {
      const writing = socket.writable.getWriter().write(greeting(speech, host));
      writing.catch(() => {});
      await socket.opened;
      for (const stage of ['hello', 'grant', 'backend'] as const) this.#pass(stage);
      if (Math.abs(this.#late) > HELLO_AGE_MAX) this.#remark = 'clock-off';
      const answer = await take(socket.readable.getReader(), ANSWER_BEGINNING, 'backend-silent', 'backend-silent');
      if (!isAnswer(speech, answer)) throw new PuenteError('backend-strange');
      this.#pass('answer');
    } finally {
      socket.close().catch(() => {});
    }
  }

  /** A bare address that cannot be asked for its key says less than a WebSocket does: so it is tried with a key of nobody's. */
  async #discover({ url }: RelayAddress): Promise<void> {
    try {
      await findRelay(url);
    } catch (error) {
      if (!(error instanceof PuenteError) || error.code !== 'unreachable') throw error;
      const relay = formatLink({ url, key: random(32) });
      await socketThrough(this.#observed(), '', { relay }).opened;
      throw error;
    }
  }

  /** A host that does not admit says nothing; but an open relay's key is public, and an invite has a day on it. */
  async #narrow(error: unknown, { url, key, invite }: RelayAddress): Promise<never> {
    const isUnadmitted = error instanceof PuenteError && ['not-admitted', 'unreachable'].includes(error.code);
    if (!isUnadmitted || this.#hasPassed('grant')) throw error;
    const published = await findRelay(url).catch((reason: PuenteError) => reason.code);
    if (typeof published !== 'string')
      throw key && !equal(published.key, key) ? new PuenteError('wrong-key') : whenSeen(error, 'clock-off');
    // A smaller error was corrected, so it is not the cause.
    if (Math.abs(this.#late) > CLOCK_ERROR_MAX) throw whenSeen(error, 'clock-off');
    const expires = invite ? decodeInvite(invite)?.expires : undefined;
    if (expires !== undefined && expires < Date.now() + this.#late) throw new PuenteError('link-expired');
    throw published === 'no-key' && !invite ? whenSeen(error, 'not-a-relay') : error;
  }

  // --- 64 KiB there and back ----------------------------------------------------------------------------------------

  async #bulk(): Promise<void> {
    const socket = socketThrough(this.#observed(), '', { relay: this.#link });
    const bytes = random(CHECK_BYTES);
    let back = 0;
    try {
      await this.#openEcho(socket);
      const [writer, reader] = [socket.writable.getWriter(), socket.readable.getReader()];
      for (; back < CHECK_BYTES; back += CHECK_PART) {
        const part = bytes.subarray(back, back + CHECK_PART);
        writer.write(part).catch(() => {});
        await echoed(part, reader);
      }
      this.#pass('bulk');
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      if (back === 0 && (error.code === 'limited' || error.code === 'version')) this.#remark ??= error.code;
      else if (!this.#hasPassed('grant')) throw error;
      else
        throw new PuenteError(
          error.code,
          `That was after ${(2 * back) / 1024} to ${(2 * (back + CHECK_PART)) / 1024} KiB.`,
        );
    } finally {
      socket.close().catch(() => {});
    }
  }

  /** Where the relay was reached a moment before, it is the network that does not let it be reached again. */
  async #openEcho(socket: Socket): Promise<void> {
    if (this.#hasPassed('grant')) return void (await within(2 * CHECK_ANSWER_TIMEOUT, socket.opened, 'frozen'));
    await socket.opened;
    for (const stage of ['hello', 'grant'] as const) this.#pass(stage);
  }
}

/** What only shows to a client that sees an answer: in a browser, any failure looks the same. */
function whenSeen(error: PuenteError, code: Code): PuenteError {
  return error.code === 'not-admitted' ? new PuenteError(code) : error;
}

async function echoed(part: Bytes, reader: Reader): Promise<void> {
  const echo = await take(reader, part.length, 'frozen', 'carrier-lost');
  if (!equal(echo, part)) throw new PuenteError('backend-strange');
}

type Reader = ReadableStreamDefaultReader<Bytes>;

/**
 * So many bytes, or what came with the last of them.
 * @throws PuenteError `late` when nothing comes for CHECK_ANSWER_TIMEOUT, `ended` at the stream's end
 */
async function take(reader: Reader, length: number, late: Code, ended: Code): Promise<Bytes> {
  let taken = EMPTY;
  while (taken.length < length) {
    const { value } = await within(CHECK_ANSWER_TIMEOUT, reader.read(), late);
    if (!value) throw new PuenteError(ended);
    taken = concat(taken, value);
  }
  return taken;
}

/** @throws PuenteError with this code when it takes longer */
async function within<T>(ms: number, promise: Promise<T>, code: Code): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PuenteError(code)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
