/** Who gets a place, and who gives way. */
import { describe, expect, it } from 'vitest';
import type { PuenteError } from '../../protocol/errors.ts';
import type { Invite } from '../../protocol/permits/invite.ts';
import { type Place, Places } from '../../worker/admission/places.ts';

const SIZE = 512;

/** @param group one letter an invite */
const invited = (group: string, source = 'home', sessions = 0) => ({
  invite: { id: new Uint8Array(6).fill(group.charCodeAt(0)), expires: 0, sessions, backends: '' } as Invite,
  source,
});

/** As many as it gets. */
function fill(places: Places, client: { invite?: Invite; source?: string }, most = SIZE): Place[] {
  const taken: Place[] = [];
  try {
    while (taken.length < most) taken.push(places.take(client));
  } catch (error) {
    expect((error as PuenteError).code).toMatch(/full|limited/);
  }
  return taken;
}

const carried = (places: Place[]): Place[] => {
  for (const place of places) place.isCarried = true;
  return places;
};
const displaced = (places: Place[]): number => places.filter((place) => place.displaced.signal.aborted).length;

describe('a holder', () => {
  it('gets most of an empty relay, and leaves places for others', () => {
    const places = new Places(SIZE);
    const one = fill(places, { source: 'a' });
    expect(one.length).toBeGreaterThan(300);
    expect(one.length).toBeLessThan(SIZE);
    expect(fill(places, { source: 'b' }).length).toBeGreaterThan(100);
    expect(fill(places, { source: 'c' }).length).toBeGreaterThan(30);
  });

  it('is the invite, however many sources it has', () => {
    const places = new Places(SIZE);
    const all = Array.from({ length: 100 }, (_, at) => carried(fill(places, invited('A', `source ${at}`)))).flat();
    expect(all.length - displaced(all)).toBeLessThanOrEqual((3 / 4) * SIZE);
    expect(fill(places, invited('B')).length).toBeGreaterThan(50);
  });

  it('within an invite is the source', () => {
    const places = new Places(SIZE);
    fill(places, invited('A', 'greedy'));
    expect(fill(places, invited('A', 'modest')).length).toBeGreaterThan(10);
  });

  it('gets a place back for each that it leaves, once', () => {
    const places = new Places(SIZE);
    const taken = carried(fill(places, { source: 'a' }));
    for (const place of taken.slice(0, 10)) {
      place.leave();
      place.leave();
    }
    expect(fill(places, { source: 'a' })).toHaveLength(10);
  });

  it('has no more than its invite says, also with one of the same id, and is told so', () => {
    const places = new Places(SIZE);
    expect(fill(places, invited('A', 'a', 5))).toHaveLength(5);
    const again = invited('A', 'b', 5);
    const renewed = { ...again, invite: { ...again.invite, expires: 1, backends: 'tls://chat.example:443' } };
    for (const client of [again, renewed])
      expect(() => places.take(client)).toThrowError(expect.objectContaining({ code: 'limited' }));
  });
});

describe('a session gives way', () => {
  /** A relay without a free place. */
  function full(): { places: Places; large: Place[]; small: Place[] } {
    const places = new Places(40);
    const large = fill(places, { source: 'large' }, 20);
    const small = fill(places, { source: 'small' }, 10);
    for (let at = 0; at < 10; at += 1) carried(fill(places, { source: `other ${at}` }, 1));
    return { places, large, small };
  }

  it('when a place is needed: the oldest of the largest holder', () => {
    const { places, large, small } = full();
    places.take({ source: 'new' });
    expect([displaced(large), displaced(small)]).toEqual([1, 0]);
    expect(large[0]?.displaced.signal.aborted).toBe(true);
  });

  it('never on a carrier: then one of the next largest', () => {
    const { places, large, small } = full();
    carried(large);
    places.take({ source: 'new' });
    expect([displaced(large), displaced(small)]).toEqual([0, 1]);
    carried(small);
    expect(() => places.take({ source: 'newer' })).toThrowError(expect.objectContaining({ code: 'full' }));
    expect([displaced(large), displaced(small)]).toEqual([0, 1]);
  });

  it('as soon as it has lost its carrier', () => {
    const { places, large, small } = full();
    carried(large);
    carried(small);
    const [, second] = large;
    if (second) second.isCarried = false;
    places.take({ source: 'new' });
    expect(second?.displaced.signal.aborted).toBe(true);
  });

  it('never in turn: two clients that try again and again come to rest', () => {
    const places = new Places(10);
    const held = { a: fill(places, { source: 'a' }), b: [] as Place[] };
    let displacements = 0;
    for (let round = 0; round < 100; round += 1)
      for (const source of ['a', 'b'] as const) {
        const before = displaced([...held.a, ...held.b]);
        held[source].push(...fill(places, { source }, 1));
        displacements += displaced([...held.a, ...held.b]) - before;
      }
    expect(displacements).toBeLessThan(10);
  });

  it('to nobody of its own size', () => {
    const places = new Places(8);
    const sources = Array.from({ length: 8 }, (_, at) => fill(places, { source: `${at}` }, 1));
    expect(() => places.take({ source: 'new' })).toThrowError(expect.objectContaining({ code: 'full' }));
    expect(displaced(sources.flat())).toBe(0);
  });
});
