/** Which relay is tried when, with attempts that do what the test says, on a clock of the test's. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Attempt, Candidate } from '../../client/relays/attempt.ts';
import { Relays } from '../../client/relays/relays.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { ATTEMPT_TIMEOUT, HEAD_START_MIN, RACE_GAP, RACE_MAX, RETRY_MAX, RETRY_MIN } from '../../protocol/limits.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** After so long: opened, or failed with this code; `silent` never. */
type Behaviour = 'silent' | number | [ms: number, failure: Code];

interface Tried {
  name: string;
  at: number;
  isAlone: boolean;
  isGivenUp: boolean;
  candidate: Candidate;
}

/** A set of relays that behave as the test says, and what is tried of them. */
class World {
  readonly behaviour: Record<string, Behaviour>;
  readonly relays: Relays;
  tried: Tried[] = [];
  #startedAt = 0;

  constructor(behaviour: Record<string, Behaviour>) {
    this.behaviour = behaviour;
    this.relays = new Relays(Object.keys(behaviour));
  }

  /** Opens one session; `tried` is what was tried for it. */
  open(signal = new AbortController().signal) {
    this.tried = [];
    this.#startedAt = performance.now();
    const outcome = this.relays.open(this.#attempt, signal).then(
      (name) => name,
      (error: PuenteError) => error.code,
    );
    return outcome;
  }

  /** The same, to its end. */
  async opened(): Promise<string | undefined> {
    const outcome = this.open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(vi.getTimerCount()).toBe(0);
    return outcome;
  }

  /** How the session that was opened last, which is on this relay, goes on. */
  report(name: string, news: Parameters<NonNullable<Candidate['report']>>[0]): void {
    this.tried.find((attempt) => attempt.name === name)?.candidate.report?.(news);
  }

  get starts(): [name: string, at: number][] {
    return this.tried.map(({ name, at }) => [name, at]);
  }

  readonly #attempt: Attempt<string> = (candidate, signal, isAlone) => {
    const name = candidate.address.slice('https://'.length, -1);
    const tried = { name, at: performance.now() - this.#startedAt, isAlone, isGivenUp: false, candidate };
    this.tried.push(tried);
    const behaviour = this.behaviour[name] ?? 'silent';
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        tried.isGivenUp = true;
        reject(new PuenteError('unreachable'));
      });
      if (behaviour === 'silent') return;
      const [ms, failure] = typeof behaviour === 'number' ? [behaviour] : behaviour;
      setTimeout(() => (failure ? reject(new PuenteError(failure)) : resolve(name)), ms);
    });
  };
}

describe('a race', () => {
  it('begins in the order of the list, each some time after the one before, and gives up all but the first to open', async () => {
    const world = new World({ a: 'silent', b: 2 * RACE_GAP, c: 'silent' });
    expect(await world.opened()).toBe('b');
    expect(world.starts).toEqual([
      ['a', 0],
      ['b', RACE_GAP],
      ['c', 2 * RACE_GAP],
    ]);
    expect(world.tried.map(({ isGivenUp }) => isGivenUp)).toEqual([true, false, true]);
  });

  it('sends no early data to anybody', async () => {
    const world = new World({ a: [10, 'unreachable'], b: [10, 'not-admitted'], c: 10 });
    expect(await world.opened()).toBe('c');
    expect(world.tried.map(({ isAlone }) => isAlone)).toEqual([false, false, false]);
  });

  it('goes on at once when one fails', async () => {
    const world = new World({ a: [20, 'unreachable'], b: [30, 'full'], c: 10, d: 10 });
    expect(await world.opened()).toBe('c');
    expect(world.starts).toEqual([
      ['a', 0],
      ['b', 20],
      ['c', 50],
    ]);
  });

  it('is of a few at a time; who is silent for long makes room', async () => {
    const world = new World({ a: 'silent', b: 'silent', c: 'silent', d: 'silent', e: 10 });
    expect(await world.opened()).toBe('e');
    expect(world.starts).toEqual([
      ['a', 0],
      ['b', RACE_GAP],
      ['c', 2 * RACE_GAP],
      ['d', ATTEMPT_TIMEOUT],
      ['e', ATTEMPT_TIMEOUT + RACE_GAP],
    ]);
    expect(RACE_MAX).toBe(3);
    expect(world.tried.filter(({ isGivenUp }) => isGivenUp).length).toBe(4);
  });

  it('lets who is slow go on where nobody waits', async () => {
    const world = new World({ a: 'silent', b: 2 * ATTEMPT_TIMEOUT });
    expect(await world.opened()).toBe('b');
  });

  it('never is between two of one name', async () => {
    const world = new World({
      'a.example': 'silent',
      'a.example/path': 'silent',
      'a.example:8443': [10, 'unreachable'],
      'b.example': 'silent',
    });
    void world.open();
    await vi.advanceTimersByTimeAsync(ATTEMPT_TIMEOUT - 1);
    expect(world.starts).toEqual([
      ['a.example', 0],
      ['b.example', RACE_GAP],
    ]);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.starts.slice(2)).toEqual([['a.example/path', ATTEMPT_TIMEOUT]]);
  });

  it('that the app gives up leaves nothing behind', async () => {
    const world = new World({ a: 'silent', b: 'silent', c: 'silent', d: 'silent' });
    const app = new AbortController();
    const outcome = world.open(app.signal);
    await vi.advanceTimersByTimeAsync(RACE_GAP);
    app.abort();
    expect(await outcome).toBeUndefined();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.tried.map(({ name, isGivenUp }) => [name, isGivenUp])).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that was won may still be given up, until the session has begun', async () => {
    const world = new World({ a: 10, b: 'silent' });
    const app = new AbortController();
    const outcome = world.open(app.signal).then(() => app.abort());
    await vi.advanceTimersByTimeAsync(10);
    await outcome;
    expect(world.tried).toMatchObject([{ name: 'a', isGivenUp: true }]);
  });

  it('that an impatient app gives up tells who was silent: the next begins with those who had no turn', async () => {
    const world = new World({ a: 'silent', b: 'silent', c: 'silent', d: 10 });
    const app = new AbortController();
    void world.open(app.signal);
    await vi.advanceTimersByTimeAsync(5000);
    app.abort();
    await vi.advanceTimersByTimeAsync(RETRY_MAX);
    expect(await world.opened()).toBe('d');
    expect(world.starts).toEqual([['d', 0]]);
  });

  it.each<[Code, Code[]]>([
    ['backend-down', ['backend-down', 'unreachable', 'full']],
    ['full', ['unreachable', 'full', 'not-admitted']],
    ['not-admitted', ['no-key', 'not-admitted', 'unreachable']],
    ['timeout', ['unreachable', 'timeout']],
    ['over-quota', ['name-blocked', 'over-quota', 'refused']],
    ['name-blocked', ['name-unknown', 'name-blocked', 'no-answer']],
    ['unreachable', ['unreachable', 'unreachable']],
  ])('that nobody wins fails with %s when they fail with %s', async (told, codes) => {
    const world = new World(Object.fromEntries(codes.map((code, index) => [`${index}.example`, [10, code]])));
    expect(await world.opened()).toBe(told);
  });

  it('that meets a bug of ours ends with it', async () => {
    const world = new World({ a: 'silent', b: 'silent' });
    const attempt: Attempt<string> = async ({ address }) => {
      if (address === 'https://b/') throw new TypeError('a bug');
      return new Promise<string>(() => {});
    };
    const outcome = expect(world.relays.open(attempt, new AbortController().signal)).rejects.toThrow('a bug');
    await vi.advanceTimersByTimeAsync(RACE_GAP);
    await outcome;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the relay that worked last', () => {
  it('is tried first and alone, so that it may have early data', async () => {
    const world = new World({ a: [10, 'unreachable'], b: 10, c: 5 });
    await world.opened();
    expect(await world.opened()).toBe('b');
    expect(world.tried).toMatchObject([{ name: 'b', at: 0, isAlone: true }]);
  });

  it('stays first though another is known to be faster', async () => {
    const world = new World({ a: 10, b: 50 });
    await world.opened();
    world.behaviour.a = [10, 'backend-not-allowed'];
    expect(await world.opened()).toBe('b');
    world.behaviour.a = 10;
    expect(await world.opened()).toBe('b');
    expect(world.starts).toEqual([['b', 0]]);
  });

  it('has a head start of twice its usual time', async () => {
    const world = new World({ a: 1500, b: 'silent' });
    await world.opened();
    world.behaviour.a = 'silent';
    world.behaviour.b = 10;
    expect(await world.opened()).toBe('b');
    expect(world.starts).toEqual([
      ['a', 0],
      ['b', 3000],
    ]);
    expect(world.tried).toMatchObject([{ isAlone: true, isGivenUp: true }, { isAlone: false }]);
  });

  it('has a head start of a second at least', async () => {
    const world = new World({ a: 10, b: 10 });
    await world.opened();
    world.behaviour.a = 'silent';
    await world.opened();
    expect(world.starts).toEqual([
      ['a', 0],
      ['b', HEAD_START_MIN],
    ]);
    // From now on it is the other one.
    expect(await world.opened()).toBe('b');
    expect(world.starts).toEqual([['b', 0]]);
  });

  it('makes room for the others at once when it fails', async () => {
    const world = new World({ a: 10, b: 'silent', c: 10 });
    await world.opened();
    world.behaviour.a = [20, 'unreachable'];
    expect(await world.opened()).toBe('c');
    expect(world.starts).toEqual([
      ['a', 0],
      ['b', 20],
      ['c', 20 + RACE_GAP],
    ]);
  });

  it('is the only one there is: alone from the beginning', async () => {
    const world = new World({ a: 10 });
    expect(await world.opened()).toBe('a');
    expect(world.tried).toMatchObject([{ isAlone: true }]);
  });
});

describe('health', () => {
  it('puts the faster one first among those that are equal', async () => {
    const world = new World({ a: 100, b: 50 });
    for (const name of ['a', 'b']) {
      expect(await world.opened()).toBe(name);
      world.report(name, 'carrier-lost');
    }
    await vi.advanceTimersByTimeAsync(RETRY_MAX);
    expect(await world.opened()).toBe('b');
    expect(world.starts).toEqual([['b', 0]]);
  });

  it.each<Code | 'reconnecting'>(['reconnecting', 'carrier-lost', 'session-unknown', 'bad-record'])(
    'a session that comes to "%s" sends the next one elsewhere at once',
    async (news) => {
      const world = new World({ a: 10, b: 10 });
      expect(await world.opened()).toBe('a');
      world.report('a', 'online');
      world.report('a', news);
      expect(await world.opened()).toBe('b');
      expect(world.starts).toEqual([['b', 0]]);
    },
  );

  it.each<Code | 'resumed' | undefined>([undefined, 'resumed', 'aborted', 'backend-reset', 'plaintext', 'idle'])(
    'a session that comes to "%s" says nothing against its relay',
    async (news) => {
      const world = new World({ a: 10, b: 10 });
      expect(await world.opened()).toBe('a');
      world.report('a', news);
      expect(await world.opened()).toBe('a');
      expect(world.starts).toEqual([['a', 0]]);
    },
  );

  it('is good again when a session goes on', async () => {
    const world = new World({ a: 10, b: 10 });
    expect(await world.opened()).toBe('a');
    for (const news of ['reconnecting', 'resumed', 'online'] as const) world.report('a', news);
    expect(await world.opened()).toBe('a');
  });

  it.each<Code>(['backend-not-allowed', 'backend-down'])('is not harmed by %s, but the next is asked', async (code) => {
    const world = new World({ a: [10, code], b: 10 });
    expect(await world.opened()).toBe('b');
    world.behaviour.a = 10;
    world.behaviour.b = [10, 'unreachable'];
    expect(await world.opened()).toBe('a');
    expect(world.starts).toEqual([
      ['b', 0],
      ['a', 10],
    ]);
  });

  it.each<Code>([
    'unreachable',
    'not-admitted',
    'bad-grant',
    'no-key',
    'link-invalid',
    'full',
    'limited',
    'version',
    'refused',
    'over-quota',
  ])('suffers from %s: it is tried again only when no other is left', async (code) => {
    const world = new World({ a: [10, code], b: 10 });
    await world.opened();
    world.report('b', 'carrier-lost');
    world.behaviour.a = 10;
    const outcome = world.open();
    await vi.advanceTimersByTimeAsync(10);
    expect(await outcome).toBe('a');
  });
});

describe('a relay that has failed', () => {
  /** `a` fails a number of times, a long time apart, then is good. */
  async function failedTimes(times: number): Promise<World> {
    const world = new World({ a: [1, 'unreachable'], b: [2, 'backend-down'] });
    for (let failures = 1; failures < times; failures += 1) {
      void world.open();
      await vi.advanceTimersByTimeAsync(2 * RETRY_MAX);
    }
    void world.open();
    await vi.advanceTimersByTimeAsync(5);
    return world;
  }
  /** Whether it is tried though another is there. */
  async function isTried(world: World): Promise<boolean> {
    world.behaviour.b = 'silent';
    void world.open();
    await vi.advanceTimersByTimeAsync(2 * RACE_GAP);
    return world.tried.some(({ name }) => name === 'a');
  }

  it.each([
    [1, RETRY_MIN],
    [4, 8 * RETRY_MIN],
    [30, RETRY_MAX],
  ])('%i times in a row rests for half to all of %i ms', async (times, rest) => {
    const early = await failedTimes(times);
    await vi.advanceTimersByTimeAsync(rest / 2 - 10);
    expect(await isTried(early)).toBe(false);
    const late = await failedTimes(times);
    await vi.advanceTimersByTimeAsync(rest);
    expect(await isTried(late)).toBe(true);
  });

  it('is tried while it rests when no other is left', async () => {
    const world = await failedTimes(1);
    world.behaviour.a = 10;
    expect(await world.opened()).toBe('a');
  });

  it('counts once for all of its sessions', async () => {
    const world = new World({ a: 10, b: 'silent' });
    await world.opened();
    for (let session = 0; session < 10; session += 1) world.report('a', 'reconnecting');
    await vi.advanceTimersByTimeAsync(RETRY_MIN);
    void world.open();
    await vi.advanceTimersByTimeAsync(RACE_GAP);
    expect(world.starts).toContainEqual(['a', RACE_GAP]);
  });
});

describe('what cannot be', () => {
  it('is no list, or one with what is no relay', () => {
    expect(() => new Relays([])).toThrow(expect.objectContaining({ code: 'link-invalid' }));
    expect(() => new Relays(['relay.example', 'ftp://relay.example'])).toThrow(
      expect.objectContaining({ code: 'link-invalid' }),
    );
  });

  it('is the same relay twice', async () => {
    const world = { tried: 0 };
    const relays = new Relays(['relay.example', ' https://relay.example/', 'https://RELAY.example']);
    const attempt: Attempt<string> = async () => {
      world.tried += 1;
      throw new PuenteError('unreachable');
    };
    await expect(relays.open(attempt, new AbortController().signal)).rejects.toMatchObject({ code: 'unreachable' });
    expect(world.tried).toBe(1);
  });
});
