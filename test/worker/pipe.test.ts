/** What a pipe does by itself: it ends when nothing is said, and there is an end to how many there are. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Bytes, toUtf8 } from '../../protocol/bytes.ts';
import { type Code, toWire } from '../../protocol/errors.ts';
import { IDLE_MAX, LINGER, WINDOW_INITIAL } from '../../protocol/limits.ts';
import type { Frame } from '../../protocol/session/frames.ts';
import type { Expectation } from '../../worker/admission/plaintext-check.ts';
import { ISOLATE_WINDOWS_MAX, join } from '../../worker/session/pipe.ts';

const MINUTE = 60_000;

/** A backend's connection without a network. */
class FakeSocket {
  readonly written: Bytes[] = [];
  closed = 0;
  /** Milliseconds. */
  writeTakes = 0;
  /** The app's half-close has come. */
  isFinished = false;
  #controller: ReadableByteStreamController | undefined;
  readonly readable = new ReadableStream({
    type: 'bytes',
    start: (controller) => {
      this.#controller = controller as ReadableByteStreamController;
    },
  });
  readonly writable = new WritableStream<Bytes>({
    write: async (bytes) => {
      if (this.writeTakes > 0) await new Promise((resolve) => setTimeout(resolve, this.writeTakes));
      this.written.push(bytes.slice());
    },
    close: () => {
      this.isFinished = true;
    },
  });

  says(text: string): void {
    this.#controller?.enqueue(toUtf8(text));
  }

  async close(): Promise<void> {
    this.closed += 1;
    if (this.closed === 1) this.#controller?.close();
  }

  get socket(): Socket {
    return this as unknown as Socket;
  }
}

async function joined(expects: Expectation = 'any') {
  const fake = new FakeSocket();
  const ended: (Code | undefined)[] = [];
  const pipe = await join(fake.socket, expects, 0, { ended: (code) => void ended.push(code) });
  const frames: Frame[] = [];
  const send = (some: Frame[]) => {
    frames.push(...some);
    // Its client is there.
    for (const frame of some)
      if (frame.type === 'ping') queueMicrotask(() => pipe.session.receive([{ type: 'pong', id: frame.id }]));
  };
  const carrier = { send, close: () => {} };
  const offsets = { received: 0, limit: WINDOW_INITIAL };
  pipe.session.attach(carrier, offsets, offsets, false);
  const run = pipe.run();
  let said = 0;
  return {
    fake,
    ended,
    frames,
    run,
    appSays(text: string) {
      pipe.session.receive([{ type: 'data', offset: said, bytes: toUtf8(text) }]);
      said += text.length;
    },
    appFinishes: () => pipe.session.receive([{ type: 'fin', offset: said }]),
    limit: () => pipe.session.offsets().limit,
    hears: () => pipe.session.receive([{ type: 'ping', id: 1 }]),
    end: () => pipe.session.abandon('carrier-lost'),
  };
}

describe('a pipe in which nothing is said', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is reset as idle after 124 minutes, not before', async () => {
    const { fake, ended, frames, run, hears } = await joined();
    // The client's first record, and then a record every minute: it lives, but its app says nothing.
    for (let minute = 0; minute < 124; minute++) {
      hears();
      await vi.advanceTimersByTimeAsync(MINUTE - (minute === 123 ? 1 : 0));
    }
    expect([ended, fake.closed]).toEqual([[], 0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual(['idle']);
    expect(frames.at(-1)).toEqual({ type: 'reset', code: toWire('idle') });
    await run;
    expect(fake.closed).toBeGreaterThan(0);
  });

  it.each(['the app', 'the backend'])('goes on for as long again when %s says something', async (who) => {
    const { fake, ended, run, hears, appSays } = await joined();
    hears();
    for (let round = 0; round < 3; round++) {
      await vi.advanceTimersByTimeAsync(IDLE_MAX - 1);
      if (who === 'the app') appSays('x');
      else fake.says('x');
      await vi.advanceTimersByTimeAsync(0);
      expect(ended).toEqual([]);
    }
    await vi.advanceTimersByTimeAsync(IDLE_MAX - 1);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual(['idle']);
    await run;
  });

  it('leaves no timer behind when it ends otherwise', async () => {
    const { run, end } = await joined();
    end();
    await run;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a session that has ended', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** All of a window is received, and the client leaves. */
  async function leave(writeTakes: number) {
    const pipe = await joined();
    pipe.fake.writeTakes = writeTakes;
    for (let piece = 0; piece < 4; piece += 1) pipe.appSays('x'.repeat(WINDOW_INITIAL / 4));
    await vi.advanceTimersByTimeAsync(0);
    pipe.end();
    return pipe;
  }

  it('gives a backend all of what was received that takes some of it within LINGER, each time', async () => {
    const { fake, run } = await leave(LINGER - 1);
    await vi.advanceTimersByTimeAsync(10 * LINGER);
    expect(fake.written.reduce((sum, { length }) => sum + length, 0)).toBe(WINDOW_INITIAL);
    await run;
  });

  it('lets one go that does not', async () => {
    const { fake, run } = await leave(10 * LINGER);
    await vi.advanceTimersByTimeAsync(LINGER);
    await run;
    expect(fake.closed).toBeGreaterThan(0);
  });
});

describe('the first bytes', () => {
  it('that are held back take of the credit until the backend has them', async () => {
    const { fake, appSays, limit, end, run } = await joined('tls');
    appSays('\x16\x03\x01\0\x05');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([fake.written, limit()]).toEqual([[], WINDOW_INITIAL]);
    appSays('\x01');
    await vi.waitFor(() => expect(limit()).toBe(WINDOW_INITIAL + 6));
    expect(fake.written).toEqual([toUtf8('\x16\x03\x01\0\x05\x01')]);
    end();
    await fake.close();
    await run;
  });

  it('may be none: a stream of nothing is passed on to a backend of TLS', async () => {
    const { fake, appFinishes, ended, end, run } = await joined('tls');
    appFinishes();
    await vi.waitFor(() => expect(fake.isFinished).toBe(true));
    expect(ended).toEqual([]);
    end();
    await run;
  });
});

it('pipes of an isolate are as many as its memory holds; one more is refused, and its backend let go', async () => {
  const pipes = await Promise.all(Array.from({ length: ISOLATE_WINDOWS_MAX / (2 * WINDOW_INITIAL) }, joined));
  const refused = new FakeSocket();
  await expect(join(refused.socket, 'any', 0, { ended() {} })).rejects.toMatchObject({ code: 'full' });
  expect(refused.closed).toBe(1);
  const [first] = pipes;
  first?.end();
  await first?.run;
  pipes.push(await joined());
  await expect(joined()).rejects.toMatchObject({ code: 'full' });
  for (const { end } of pipes) end();
  await Promise.all(pipes.map(({ run }) => run));
  (await joined()).end();
});
