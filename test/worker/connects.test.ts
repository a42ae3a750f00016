/** Turns for connections that are under way. */
import { describe, expect, it } from 'vitest';
import { PuenteError } from '../../protocol/errors.ts';
import {
  CONNECTS_MAX,
  CONNECTS_PER_BACKEND_MAX,
  CONNECTS_WAITING_MAX,
  Connects,
} from '../../worker/session/connects.ts';

/** Connections that are opened when the test says so. */
class Openings {
  readonly connects = new Connects();
  readonly begun: { backend: string; done: () => void; failed: (error: Error) => void }[] = [];

  open(backend: string): Promise<string> {
    return this.connects.run(
      backend,
      () =>
        new Promise<string>((resolve, reject) => {
          this.begun.push({ backend, done: () => resolve(backend), failed: reject });
        }),
    );
  }

  get backends(): string {
    return this.begun.map(({ backend }) => backend).join('');
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('connections', () => {
  it('are under way two to a backend, six in all; the others wait in order', async () => {
    const openings = new Openings();
    const results = [...'aaabbbcccd'].map((backend) => openings.open(backend));
    await settled();
    expect(openings.backends).toBe('aabbcc');
    expect(openings.connects.pending).toBe(10);
    expect([CONNECTS_PER_BACKEND_MAX, CONNECTS_MAX]).toEqual([2, 6]);
    openings.begun[0]?.done();
    expect(await results[0]).toBe('a');
    await settled();
    expect(openings.backends).toBe('aabbcca');
    openings.begun[2]?.done();
    openings.begun[1]?.done();
    await settled();
    expect(openings.backends).toBe('aabbccabd');
  });

  it('that fail make room as well', async () => {
    const openings = new Openings();
    const results = [...'aaa'].map((backend) => openings.open(backend));
    await settled();
    openings.begun[0]?.failed(new PuenteError('backend-down'));
    await expect(results[0]).rejects.toMatchObject({ code: 'backend-down' });
    await settled();
    expect(openings.backends).toBe('aaa');
  });

  it('wait in a line that ends', async () => {
    const openings = new Openings();
    for (let at = 0; at < CONNECTS_PER_BACKEND_MAX + CONNECTS_WAITING_MAX; at++) void openings.open('a');
    await expect(openings.open('a')).rejects.toMatchObject({ code: 'full' });
    void openings.open('b');
    await settled();
    expect(openings.backends).toBe('aab');
    openings.begun[0]?.done();
    await settled();
    void openings.open('a');
    await settled();
    expect(openings.backends).toBe('aaba');
  });
});
