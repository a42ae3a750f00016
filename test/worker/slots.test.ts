/** Who gets a slot, and who gives way. */
import { describe, expect, it } from 'vitest';
import type { PuenteError } from '../../protocol/errors.ts';
import type { Invite } from '../../protocol/permits/invite.ts';
import { type Slot, Slots } from '../../worker/admission/slots.ts';

const SIZE = 512;

/** @param group one letter an invite */
const invited = (group: string, source = 'home', sessions = 0) => ({
  invite: { id: new Uint8Array(6).fill(group.charCodeAt(0)), expires: 0, sessions, backends: '' } as Invite,
  source,
});

/** As many as it gets. */
function fill(slots: Slots, client: { invite?: Invite; source?: string }, most = SIZE): Slot[] {
  const taken: Slot[] = [];
  try {
    while (taken.length < most) taken.push(slots.take(client));
  } catch (error) {
    expect((error as PuenteError).code).toMatch(/full|limited/);
  }
  return taken;
}

const carried = (slots: Slot[]): Slot[] => {
  for (const slot of slots) slot.isCarried = true;
  return slots;
};
const displaced = (slots: Slot[]): number => slots.filter((slot) => slot.displaced.signal.aborted).length;

describe('a holder', () => {
  it('gets most of an empty relay, and leaves slots for others', () => {
    const slots = new Slots(SIZE);
    const one = fill(slots, { source: 'a' });
    expect(one.length).toBeGreaterThan(300);
    expect(one.length).toBeLessThan(SIZE);
    expect(fill(slots, { source: 'b' }).length).toBeGreaterThan(100);
    expect(fill(slots, { source: 'c' }).length).toBeGreaterThan(30);
  });

  it('is the invite, however many sources it has', () => {
    const slots = new Slots(SIZE);
    const all = Array.from({ length: 100 }, (_, at) => carried(fill(slots, invited('A', `source ${at}`)))).flat();
    expect(all.length - displaced(all)).toBeLessThanOrEqual((3 / 4) * SIZE);
    expect(fill(slots, invited('B')).length).toBeGreaterThan(50);
  });

  it('within an invite is the source', () => {
    const slots = new Slots(SIZE);
    fill(slots, invited('A', 'greedy'));
    expect(fill(slots, invited('A', 'modest')).length).toBeGreaterThan(10);
  });

  it('gets a slot back for each that it leaves, once', () => {
    const slots = new Slots(SIZE);
    const taken = carried(fill(slots, { source: 'a' }));
    for (const slot of taken.slice(0, 10)) {
      slot.leave();
      slot.leave();
    }
    expect(fill(slots, { source: 'a' })).toHaveLength(10);
  });

  it('has no more than its invite says, also with one of the same id, and is told so', () => {
    const slots = new Slots(SIZE);
    expect(fill(slots, invited('A', 'a', 5))).toHaveLength(5);
    const again = invited('A', 'b', 5);
    const renewed = { ...again, invite: { ...again.invite, expires: 1, backends: 'tls://chat.example:443' } };
    for (const client of [again, renewed])
      expect(() => slots.take(client)).toThrowError(expect.objectContaining({ code: 'limited' }));
  });
});

describe('a session gives way', () => {
  /** A relay without a free slot. */
  function full(): { slots: Slots; large: Slot[]; small: Slot[] } {
    const slots = new Slots(40);
    const large = fill(slots, { source: 'large' }, 20);
    const small = fill(slots, { source: 'small' }, 10);
    for (let at = 0; at < 10; at += 1) carried(fill(slots, { source: `other ${at}` }, 1));
    return { slots, large, small };
  }

  it('when a slot is needed: the oldest of the largest holder', () => {
    const { slots, large, small } = full();
    slots.take({ source: 'new' });
    expect([displaced(large), displaced(small)]).toEqual([1, 0]);
    expect(large[0]?.displaced.signal.aborted).toBe(true);
  });

  it('never on a carrier: then one of the next largest', () => {
    const { slots, large, small } = full();
    carried(large);
    slots.take({ source: 'new' });
    expect([displaced(large), displaced(small)]).toEqual([0, 1]);
    carried(small);
    expect(() => slots.take({ source: 'newer' })).toThrowError(expect.objectContaining({ code: 'full' }));
    expect([displaced(large), displaced(small)]).toEqual([0, 1]);
  });

  it('as soon as it has lost its carrier', () => {
    const { slots, large, small } = full();
    carried(large);
    carried(small);
    const [, second] = large;
    if (second) second.isCarried = false;
    slots.take({ source: 'new' });
    expect(second?.displaced.signal.aborted).toBe(true);
  });

  it('never in turn: two clients that try again and again come to rest', () => {
    const slots = new Slots(10);
    const held = { a: fill(slots, { source: 'a' }), b: [] as Slot[] };
    let displacements = 0;
    for (let round = 0; round < 100; round += 1)
      for (const source of ['a', 'b'] as const) {
        const before = displaced([...held.a, ...held.b]);
        held[source].push(...fill(slots, { source }, 1));
        displacements += displaced([...held.a, ...held.b]) - before;
      }
    expect(displacements).toBeLessThan(10);
  });

  it('to nobody of its own size', () => {
    const slots = new Slots(8);
    const sources = Array.from({ length: 8 }, (_, at) => fill(slots, { source: `${at}` }, 1));
    expect(() => slots.take({ source: 'new' })).toThrowError(expect.objectContaining({ code: 'full' }));
    expect(displaced(sources.flat())).toBe(0);
  });
});
