/** Turns for connections that are under way. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PuenteError } from '../../protocol/errors.ts';
import { CONNECTS_MAX, Connects, SLOW_CONNECT, SLOW_PER_BACKEND_MAX } from '../../worker/session/connects.ts';

interface Opening {
  backend: string;
  done: () => void;
  failed: (error: Error) => void;
}

/** Connections that are opened when the test says so. */
class Openings {
  readonly connects = new Connects();
  readonly begun: Opening[] = [];
  readonly refused: string[] = [];
  underWay = 0;
  most = 0;

  /** @param name its holder in capitals, its backend in small letters */
  open(name: string, displaced = new AbortController().signal): Promise<string> {
    const [holder = '', backend = ''] = name;
    const run = this.connects.run(holder, backend, displaced, (over) => {
      this.underWay += 1;
      this.most = Math.max(this.most, this.underWay);
      return new Promise<string>((resolve, reject) => {
        this.begun.push({ backend: name, done: () => resolve(name), failed: reject });
        over.addEventListener('abort', () => reject(new PuenteError('full')));
      }).finally(() => {
        this.underWay -= 1;
      });
    });
    run.catch((error: PuenteError) => this.refused.push(`${name} ${error.code}`));
    return run;
  }

  all(names: string): Promise<string>[] {
    return names.split(' ').map((name) => this.open(name));
  }

  get names(): string {
    return this.begun.map(({ backend }) => backend).join(' ');
  }
}

const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('connections', () => {
  it('are under way six at a time, whatever their backend; the others wait in order', async () => {
    const openings = new Openings();
    const results = openings.all('Aa Aa Aa Aa Aa Aa Aa Ab');
    await settled();
    expect(openings.names).toBe('Aa Aa Aa Aa Aa Aa');
    openings.begun[0]?.done();
    expect(await results[0]).toBe('Aa');
    await settled();
    expect(openings.names).toBe('Aa Aa Aa Aa Aa Aa Aa');
    openings.begun[3]?.done();
    await settled();
    expect(openings.names).toBe('Aa Aa Aa Aa Aa Aa Aa Ab');
    expect([openings.most, CONNECTS_MAX]).toEqual([6, 6]);
  });

  it('that fail make room as well', async () => {
    const openings = new Openings();
    const results = openings.all('Aa Aa Aa Aa Aa Aa Ab');
    await settled();
    openings.begun[0]?.failed(new PuenteError('backend-down'));
    await expect(results[0]).rejects.toMatchObject({ code: 'backend-down' });
    await settled();
    expect(openings.begun.at(-1)?.backend).toBe('Ab');
  });

  it('all have their turn, however many wait', async () => {
    const openings = new Openings();
    const results = Array.from({ length: 300 }, () => openings.open('Aa'));
    for (let at = 0; at < 300; at += 1) {
      await settled();
      openings.begun[at]?.done();
    }
    await Promise.all(results);
    expect(openings.most).toBe(CONNECTS_MAX);
  });

  it('take turns among holders', async () => {
    const openings = new Openings();
    openings.all('Aa Aa Aa Aa Aa Aa Aa Aa Aa Ba Ba Ca');
    await settled();
    for (let at = 0; at < 6; at += 1) {
      openings.begun[at]?.done();
      await settled();
    }
    expect(openings.names.split(' ').slice(6).join(' ')).toBe('Ba Ca Ba Aa Aa Aa');
  });

  it('that wait go when they are displaced', async () => {
    const openings = new Openings();
    openings.all('Aa Aa Aa Aa Aa Aa');
    const displaced = new AbortController();
    const waiting = openings.open('Ab', displaced.signal);
    displaced.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'full' });
    openings.begun[0]?.done();
    await settled();
    expect(openings.names).not.toContain('b');
  });
});

describe('a backend that is slow', () => {
  it('holds no more than two of them once it is known', async () => {
    const openings = new Openings();
    openings.all('Aa Aa Aa Aa Aa Aa Aa Aa');
    await vi.advanceTimersByTimeAsync(SLOW_CONNECT);
    openings.begun[0]?.failed(new PuenteError('backend-down'));
    await settled();
    expect(openings.begun).toHaveLength(6);
    for (const opening of openings.begun.slice(1, 5)) opening.failed(new PuenteError('backend-down'));
    await settled();
    // One is left: up to two may be slow.
    expect(openings.begun).toHaveLength(8);
    expect(SLOW_PER_BACKEND_MAX).toBe(2);
  });

  it('gives way to another holder within a second, and keeps no place that comes free', async () => {
    const openings = new Openings();
    openings.all('Aa Aa Aa Aa Aa Aa Aa Aa');
    await vi.advanceTimersByTimeAsync(SLOW_CONNECT / 2);
    openings.open('Bb');
    await vi.advanceTimersByTimeAsync(SLOW_CONNECT / 2);
    expect(openings.names).toBe('Aa Aa Aa Aa Aa Aa Bb');
    expect(openings.refused).toEqual(['Aa full']);
    openings.begun[6]?.done();
    await settled();
    expect(openings.underWay).toBe(5);
    openings.open('Bb');
    await settled();
    expect(openings.underWay).toBe(6);
  });

  it('gives way though each of its names is another', async () => {
    const openings = new Openings();
    openings.all('Aa Ab Ac Ad Ae Af Ag Ah Ai Aj');
    await vi.advanceTimersByTimeAsync(SLOW_CONNECT);
    for (let round = 0; round < 3; round += 1) {
      openings.open('Bz');
      await vi.advanceTimersByTimeAsync(SLOW_CONNECT);
      expect(openings.begun.filter(({ backend }) => backend === 'Bz')).toHaveLength(round + 1);
      openings.begun.find(({ backend }) => backend === 'Bz')?.done();
    }
  });

  it('is left alone where nobody has more than another', async () => {
    const openings = new Openings();
    openings.all('Aa Bb Cc Dd Ee Ff Gg');
    await vi.advanceTimersByTimeAsync(5 * SLOW_CONNECT);
    expect(openings.refused).toEqual([]);
  });
});
