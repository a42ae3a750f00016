/** The guard by itself: what is a fault, how long it is remembered, and that every slot is given back. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Code, PuenteError, TRAVELLING } from '../../protocol/errors.ts';
import type { Admitted } from '../../worker/admission/admission.ts';
import { Guard } from '../../worker/admission/guard.ts';
import { SOURCES_MAX } from '../../worker/admission/quotas.ts';
import type { Env } from '../../worker/env.ts';

const MINUTE = 60_000;
const PLACES = 8;

type Session = Parameters<Guard['run']>[2];

/** A source that no other test has. */
const newSource = () => crypto.randomUUID();
const hello = { kind: 'open' };
const from = (source?: string) => ({ source, hello }) as Admitted;
const invited = (sessions: number) =>
  ({ hello, invite: { id: new Uint8Array(6), expires: 0, sessions, backends: '' } }) as unknown as Admitted;

/** A limiter that has had enough, and what it was asked. */
function limiter(success = false) {
  const keys: string[] = [];
  const limit = async ({ key }: { key: string }) => {
    keys.push(key);
    return { success };
  };
  return { keys, limit };
}

async function outcome(run: Promise<void>): Promise<Code | 'done'> {
  return run.then(
    () => 'done' as const,
    (error: PuenteError) => error.code,
  );
}

const fails = (code: Code) => () => Promise.reject(new PuenteError(code));
const ends =
  (code?: Code): Session =>
  async (_place, ended) =>
    ended(code);
const nothing = async () => {};

describe('a fault', () => {
  const FAULTS = [
    'backend-not-allowed',
    'bad-record',
    'bad-frame',
    'bad-offset',
    'bad-credit',
    'flood',
    'silent',
    'plaintext',
  ];

  it('is what a client alone can be the cause of, before the grant or after it, and counts once', async () => {
    for (const code of [...Object.keys(TRAVELLING), 'carrier-lost', undefined] as Code[]) {
      const expected = FAULTS.includes(code) ? 1 : 0;
      for (const session of [ends(code), ...(code ? [fails(code)] : [])]) {
        const faults = limiter(true);
        const source = newSource();
        await outcome(new Guard(PLACES).run({ FAULTS: faults }, from(source), session));
        expect(faults.keys, code).toEqual(Array(expected).fill(source));
      }
    }
  });

  it('is counted by the time that its session is over', async () => {
    let counted = false;
    const limit = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      counted = true;
      return { success: true };
    };
    await new Guard(PLACES).run({ FAULTS: { limit } }, from(newSource()), ends('bad-record'));
    expect(counted).toBe(true);
  });

  it('of an unknown source, and at a relay without limiters, limits nobody', async () => {
    const faults = limiter();
    for (const [env, source] of [
      [{ FAULTS: faults }, undefined],
      [{}, newSource()],
    ] as const) {
      expect(await outcome(new Guard(PLACES).run(env, from(source), fails('plaintext')))).toBe('plaintext');
      expect(await outcome(new Guard(PLACES).run(env, from(source), nothing))).toBe('done');
    }
    expect(faults.keys).toEqual([]);
  });
});

it('a limiter that fails lets everybody in', async () => {
  const broken = { limit: () => Promise.reject(new Error('of the platform')) };
  const env: Env = { FAULTS: broken, OPENS: broken };
  const admitted = { ...invited(0), ...from(newSource()) };
  expect(await outcome(new Guard(PLACES).run(env, admitted, fails('plaintext')))).toBe('plaintext');
  expect(await outcome(new Guard(PLACES).run(env, admitted, nothing))).toBe('done');
});

describe('a source that is over its limit', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const env = { FAULTS: limiter() };
  const isLimited = async (source: string) =>
    (await outcome(new Guard(PLACES).run({}, from(source), nothing))) === 'limited';

  it('is limited for a minute, in whatever guard', async () => {
    const source = newSource();
    await outcome(new Guard(PLACES).run(env, from(source), ends('flood')));
    vi.advanceTimersByTime(MINUTE - 1);
    expect(await isLimited(source)).toBe(true);
    expect(await isLimited(newSource())).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await isLimited(source)).toBe(false);
  });

  it('is limited for a minute after its last fault', async () => {
    const source = newSource();
    const guard = new Guard(PLACES);
    // One that began before goes on.
    await guard.run(env, from(source), async (_place, ended) => {
      await guard.run(env, from(source), ends('flood'));
      vi.advanceTimersByTime(MINUTE / 2);
      ended('flood');
    });
    vi.advanceTimersByTime(MINUTE - 1);
    expect(await isLimited(source)).toBe(true);
  });

  it('is forgotten when too many others are', async () => {
    const sources = Array.from({ length: SOURCES_MAX + 1 }, newSource);
    for (const source of sources) await new Guard(PLACES).run(env, from(source), ends('flood'));
    const [first = '', second = ''] = sources;
    expect([await isLimited(first), await isLimited(second)]).toEqual([false, true]);
  });

  it('takes none of what its invite may open', async () => {
    const source = newSource();
    await new Guard(PLACES).run(env, from(source), ends('flood'));
    const opens = limiter(true);
    const admitted = { ...invited(0), ...from(source) };
    expect(await outcome(new Guard(PLACES).run({ OPENS: opens }, admitted, nothing))).toBe('limited');
    expect(opens.keys).toEqual([]);
  });
});

it('a check is limited by itself, where the source is known', async () => {
  const [source, CHECKS] = [newSource(), limiter()];
  const check = (of?: string) => ({ source: of, hello: { kind: 'check' } }) as Admitted;
  expect(await outcome(new Guard(PLACES).run({ CHECKS }, check(source), nothing))).toBe('limited');
  expect(await outcome(new Guard(PLACES).run({ CHECKS }, check(), nothing))).toBe('done');
  expect(await outcome(new Guard(PLACES).run({ CHECKS }, from(source), nothing))).toBe('done');
  expect(CHECKS.keys).toEqual([source]);
});

describe('a slot', () => {
  const never = () => new Promise<void>(() => {});

  it('is given back however its session ends', async () => {
    const guard = new Guard(PLACES);
    const broken = () => Promise.reject(new TypeError('a bug'));
    for (const session of [nothing, broken, fails('backend-down'), fails('full'), ends('aborted')])
      for (let round = 0; round <= 2 * PLACES; round++) await outcome(guard.run({}, invited(1), session));
    expect(await outcome(guard.run({}, invited(1), nothing))).toBe('done');
  });

  it('is not taken by what is refused', async () => {
    const guard = new Guard(PLACES);
    void guard.run({}, invited(1), never);
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (let round = 0; round <= 2 * PLACES; round++)
      expect(await outcome(guard.run({}, invited(1), nothing))).toBe('limited');
    expect(await outcome(guard.run({}, from(), nothing))).toBe('done');
  });
});
