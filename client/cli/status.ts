/**
 * The messages of a running gateway: a block that is drawn again and again, a line for each event, or JSON for scripts.
 */
import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import type { GatewayEvent, Totals } from '../gateway/gateway.ts';

/** An event: of the gateway's clients, or of the command itself. */
export type Notice =
  | GatewayEvent
  | { event: 'listening'; at: string }
  | { event: 'relay'; relay: string }
  | { event: 'stopping' }
  | { event: 'stopped' };

export interface Status {
  tell(notice: Notice): void;
  /** For people: what to do, or to beware of. */
  say(line: string): void;
}

/** @param totals the current totals, read at each event */
export function showStatus(totals: Readonly<Totals>, asJson: boolean): Status {
  const { stdout } = process;
  if (asJson) return new JsonLines(totals);
  return stdout.isTTY ? new Block(totals, stdout) : new Lines(totals);
}

/** A line for each event, with all totals. */
class JsonLines implements Status {
  readonly #totals: Readonly<Totals>;

  constructor(totals: Readonly<Totals>) {
    this.#totals = totals;
  }

  tell(notice: Notice): void {
    process.stdout.write(`${JSON.stringify({ ...notice, ...this.#totals })}\n`);
  }

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }
}

class Lines implements Status {
  readonly #totals: Readonly<Totals>;

  constructor(totals: Readonly<Totals>) {
    this.#totals = totals;
  }

  tell(notice: Notice): void {
    this.say(`${notice.event.padEnd(WIDTH)}${wordsOf(notice) ?? inOneLine(this.#totals)}`);
  }

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}

/** The last lines of the terminal. Messages stand above the block. */
class Block implements Status {
  readonly #totals: Readonly<Totals>;
  readonly #terminal: WriteStream;
  #relay = 'none yet';
  #last = '';
  /** The lines on the screen. */
  #drawn: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(totals: Readonly<Totals>, terminal: WriteStream) {
    this.#totals = totals;
    this.#terminal = terminal;
  }

  tell(notice: Notice): void {
    if (notice.event === 'listening') return this.say(`listening on ${notice.at}`);
    if (notice.event === 'relay') this.#relay = notice.relay;
    else this.#last = `${notice.event} ${wordsOf(notice) ?? ''}`;
    if (notice.event === 'stopped') clearInterval(this.#timer);
    else this.#timer ??= setInterval(() => this.#draw(), REDRAW_EVERY).unref();
    this.#draw();
  }

  say(line: string): void {
    this.#wipe();
    this.#terminal.write(`${line}\n`);
  }

  #draw(): void {
    const { open, sessions, sent, received, reconnects } = this.#totals;
    const lines = [
      `relay       ${this.#relay}`,
      `sessions    ${open} open, ${sessions} in all`,
      `bytes       ${inUnits(sent)} sent, ${inUnits(received)} received`,
      `reconnects  ${reconnects}`,
      ...wrapped(`last        ${this.#last}`, (this.#terminal.columns || 80) - 1),
    ];
    if (lines.join() === this.#drawn.join()) return;
    this.#wipe();
    for (const line of lines) this.#terminal.write(`${line}\n`);
    this.#drawn = lines;
  }

  #wipe(): void {
    if (this.#drawn.length === 0) return;
    moveCursor(this.#terminal, 0, -this.#drawn.length);
    clearScreenDown(this.#terminal);
    this.#drawn = [];
  }
}

/** Cuts the text into lines that the terminal does not wrap: a wrapped line would take more rows than were counted. */
function wrapped(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${width}}(?:\\s|$)|.{1,${width}}`, 'g')) ?? [];
}

const REDRAW_EVERY = 500;
const WIDTH = 'reconnecting '.length;

/** The words of the notice itself, without the totals. */
function wordsOf(notice: Notice): string | undefined {
  switch (notice.event) {
    case 'listening':
      return notice.at;
    case 'relay':
      return notice.relay;
    case 'failed':
      return `${notice.code}: ${notice.message} ${notice.next}`;
    case 'refused':
      return notice.message;
    case 'closed':
      return notice.code ?? undefined;
    default:
      return undefined;
  }
}

function inOneLine({ open, sessions, sent, received, reconnects }: Totals): string {
  const bytes = `${inUnits(sent)} sent, ${inUnits(received)} received`;
  return `${open} open, ${sessions} in all, ${bytes}, ${reconnects} reconnects`;
}

/** Three digits: `999 B`, `1.20 KiB`, `12.3 MiB`. */
export function inUnits(bytes: number): string {
  const unit = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  const number = bytes / 1024 ** unit;
  return `${unit === 0 ? number : number.toPrecision(number < 1000 ? 3 : 4)} ${UNITS[unit]}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
