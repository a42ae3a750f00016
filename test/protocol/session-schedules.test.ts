/**
 * Thousands of random schedules: writes and reads of any size at any time, links that are slow, that change, that are
 * cut with records under way, each end learning of it at another time. Whatever happens, each stream arrives once, in
 * order, whole, and both sessions end as they should, with nothing left behind.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { RECORD_COST_MIN, RESUME_TIMEOUT } from '../../protocol/limits.ts';
import { NOTHING_LEFT, type Pace, Pair, Random, ReadingApp, WritingApp } from '../support/network/simulation.ts';

/** Schedules for each of these tests; a few seconds' worth. */
const RUNS = 3000;

interface Schedule {
  seed: number;
  totals: [client: number, relay: number];
  cuts: number;
  growth: boolean;
}

const schedule: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  totals: fc.tuple(fc.oneof(fc.nat(200), fc.nat(400_000)), fc.oneof(fc.nat(200), fc.nat(400_000))),
  cuts: fc.nat(8),
  growth: fc.boolean(),
});

/** A pace that is brisk or slow, in small pieces or large ones, or anything between. */
function anyPace(random: Random): Pace {
  const most = random.pick([10, 1000, 70_000, 300_000]);
  const rest = random.pick([0, 0, 5, 100, 1500]);
  return {
    size: () => (most === 10 ? random.between(500, 4000) : random.between(1, most)),
    gap: () => (random.chance(0.5) ? 0 : random.between(0, rest)),
  };
}

/** What happens to the links: a few are cut or left, then the last one lasts. */
class Weather {
  readonly #pair: Pair;
  readonly #random: Random;
  #cuts: number;
  readonly happened = { cuts: 0, moves: 0, lostHellos: 0 };

  constructor(pair: Pair, cuts: number) {
    this.#pair = pair;
    this.#random = new Random(pair.random.between(0, 2 ** 31));
    this.#cuts = cuts;
    pair.client.onDetached = () => this.#connectSoon();
    this.#connect();
  }

  #connectSoon(): void {
    this.#pair.timeline.after(this.#random.between(0, this.#random.pick([0, 50, 3000])), () => this.#connect());
  }

  #connect(): void {
    const { client, timeline } = this.#pair;
    if (client.over || client.link) return;
    const most = this.#random.pick([2, 30, 100, 400]);
    const link = this.#pair.connect({
      delay: () => this.#random.between(1, most),
    });
    if (this.#cuts === 0) return;
    this.#cuts -= 1;
    timeline.after(this.#random.between(0, this.#random.pick([300, 3000, 20_000])), () => {
      if (this.#pair.latest !== link || client.over) return;
      // A relay that hears nothing after its first grant lets the session go: nothing is left to resume.
      if (!this.#pair.relay.hasHeard) return;
      const granted = client.link === link;
      if (granted && this.#random.chance(0.5)) {
        // The client moves on by itself. What it has sent still arrives.
        this.happened.moves += 1;
        link.sinkOf(client).close();
        return client.detach();
      }
      this.happened.cuts += 1;
      link.cut({ client: this.#random.between(0, 3000), relay: this.#random.between(0, 5000) });
      if (granted) return;
      // Neither hello nor grant has come through: there is nothing to detach.
      this.happened.lostHellos += 1;
      this.#pair.latest = undefined;
      this.#connectSoon();
    });
  }
}

/** Links that freeze without a word, or that may carry only so much: the next is opened beside them, as a client does. */
class Winter {
  readonly #pair: Pair;
  readonly #random: Random;
  #freezes: number;
  readonly #isLimited: boolean;
  readonly happened = { stalls: 0, rotations: 0, attempts: 0 };

  constructor(pair: Pair, freezes: number, isLimited: boolean) {
    this.#pair = pair;
    this.#random = new Random(pair.random.between(0, 2 ** 31));
    this.#freezes = freezes;
    this.#isLimited = isLimited;
    pair.client.onDetached = () => this.#connect();
    pair.client.onStalled = () => {
      this.happened.stalls += 1;
      this.#connect();
    };
    this.#connect();
  }

  /** Unless an attempt is under way. */
  #connect(): void {
    const { client, latest, timeline } = this.#pair;
    if (client.over || (latest && latest !== client.link)) return;
    this.happened.attempts += 1;
    const most = this.#random.pick([2, 30, 200]);
    const freezes = this.#freezes > 0 && this.#random.chance(0.7);
    if (freezes) this.#freezes -= 1;
    const link = this.#pair.connect({
      delay: () => this.#random.between(1, most),
      allowance: this.#isLimited ? this.#random.between(1400, 8000) : undefined,
      carries: freezes ? this.#random.between(0, this.#random.pick([3000, 40_000])) : undefined,
    });
    link.onSent = () => {
      if (this.#pair.client.link !== link || this.#pair.latest !== link || link.left > 2 * RECORD_COST_MIN) return;
      this.happened.rotations += 1;
      timeline.after(this.#random.between(0, 500), () => this.#connect());
    };
    timeline.after(RESUME_TIMEOUT, () => {
      if (this.#pair.latest !== link || client.link === link) return;
      this.#pair.latest = client.link;
      this.#connect();
    });
  }
}

function resumablePair({ seed, growth }: Schedule): Pair {
  const pair = new Pair(seed, (budget) => {
    if (!growth) budget.growthMax = 0;
  });
  for (const end of pair.ends) end.resumable = true;
  return pair;
}

/** Runs schedules; the counterexample's seed tells everything. */
function holds(run: (schedule: Schedule) => void): void {
  fc.assert(fc.property(schedule, run), { numRuns: RUNS });
}

describe('any schedule', () => {
  test('both streams arrive whole, and the end is clean', { timeout: 120_000 }, () => {
    const happened = { cuts: 0, moves: 0, lostHellos: 0, lastAckLost: 0 };
    holds((schedule) => {
      const pair = resumablePair(schedule);
      const { client, relay, timeline, random } = pair;
      const [clientTotal, relayTotal] = schedule.totals;
      const atClient = new ReadingApp(pair, client, 2, anyPace(random));
      const atRelay = new ReadingApp(pair, relay, 1, anyPace(random));
      new WritingApp(pair, client, 1, clientTotal, anyPace(random));
      new WritingApp(pair, relay, 2, relayTotal, anyPace(random));
      const weather = new Weather(pair, schedule.cuts);

      const finished = () => client.over && (relay.over || (!relay.link && atRelay.drained));
      const until = timeline.now + 4 * 3_600_000;
      while (!finished()) {
        if (!timeline.step(until)) throw new Error('does not come to an end');
        for (const end of pair.ends) end.check();
      }
      timeline.runFor(3_600_000);
      // The client's last ACK may be lost with its link: it had everything, and does not come again.
      const isGivenUp = relay.outcomes.join() === 'carrier-lost' && schedule.cuts > 0;
      if (isGivenUp) happened.lastAckLost += 1;
      else if (relay.outcomes.join() !== 'clean') throw new Error(`relay: ${relay.outcomes}`);
      if (client.outcomes.join() !== 'clean') throw new Error(`client: ${client.outcomes}`);
      if (atClient.length !== relayTotal || !atClient.drained) throw new Error(`client has ${atClient.length}`);
      if (atRelay.length !== clientTotal || !atRelay.drained) throw new Error(`relay has ${atRelay.length}`);
      const left = pair.leftovers();
      if (JSON.stringify(left) !== JSON.stringify(NOTHING_LEFT)) throw new Error(`left: ${JSON.stringify(left)}`);
      happened.cuts += weather.happened.cuts;
      happened.moves += weather.happened.moves;
      happened.lostHellos += weather.happened.lostHellos;
    });
    // The weather was bad enough to mean something.
    expect(happened.cuts).toBeGreaterThan(RUNS / 5);
    expect(happened.moves).toBeGreaterThan(RUNS / 50);
    expect(happened.lostHellos).toBeGreaterThan(RUNS / 50);
  });

  test('one end closes at any time: the other gets what it wrote before, and both ends are clean', {
    timeout: 120_000,
  }, () => {
    const seen = { stopped: 0, clean: 0, aborted: 0 };
    holds((schedule) => {
      const pair = resumablePair(schedule);
      const { timeline, random } = pair;
      const closer = random.pick(pair.ends);
      const peer = pair.peerOf(closer);
      const atPeer = new ReadingApp(pair, peer, 1, anyPace(random));
      new ReadingApp(pair, closer, 2, anyPace(random));
      new WritingApp(pair, closer, 1, schedule.totals[0], anyPace(random));
      new WritingApp(pair, peer, 2, schedule.totals[1], anyPace(random));
      new Weather(pair, schedule.cuts);
      let written = -1;
      timeline.after(random.between(0, random.pick([200, 5000, 30_000])), () => {
        if (closer.over) return;
        written = closer.accepted;
        closer.session.close();
      });
      const until = timeline.now + 3_600_000;
      while (!(closer.over && (peer.over || !peer.link))) {
        if (!timeline.step(until)) throw new Error('does not come to an end');
        for (const end of pair.ends) end.check();
      }
      timeline.runFor(3_600_000);
      if (!peer.over) peer.session.abandon('carrier-lost');
      const how = closer.outcomes.join();
      if (how === 'clean') {
        const arrived = peer.arrived;
        if (written >= 0 && arrived !== written) throw new Error(`${written} written before close, ${arrived} arrived`);
        // Where the last ACK was lost with its link, the peer has everything all the same.
        if (!['clean', 'carrier-lost'].includes(`${peer.outcomes}`)) throw new Error(`peer: ${peer.outcomes}`);
        const isHeard = arrived > 0 || peer.outcomes[0] === 'clean';
        if (isHeard && (atPeer.length !== arrived || !atPeer.drained))
          throw new Error(`peer has read ${atPeer.length} of ${arrived}, ${atPeer.drained ? 'and' : 'not'} to the end`);
        seen[peer.isStopped ? 'stopped' : 'clean'] += 1;
      } else if (how === 'aborted') seen.aborted += 1;
      else throw new Error(`closer: ${how}`);
      for (const { session } of pair.ends) session.discard();
      const left = pair.leftovers();
      if (JSON.stringify(left) !== JSON.stringify(NOTHING_LEFT)) throw new Error(`left: ${JSON.stringify(left)}`);
    });
    expect(seen.stopped).toBeGreaterThan(RUNS / 50);
    expect(seen.clean).toBeGreaterThan(RUNS / 50);
  });
});

test.each([
  ['links that freeze', false],
  ['links that freeze, and carry only so much', true],
])('%s: both streams arrive whole', { timeout: 120_000 }, (_, isLimited) => {
  const happened = { stalls: 0, rotations: 0 };
  const run = (given: Schedule) => {
    const pair = resumablePair(given);
    const { client, relay, timeline, random } = pair;
    const totals = given.totals.map((total) => (isLimited ? total % 60_000 : total)) as [number, number];
    const atClient = new ReadingApp(pair, client, 2, anyPace(random));
    const atRelay = new ReadingApp(pair, relay, 1, anyPace(random));
    new WritingApp(pair, client, 1, totals[0], anyPace(random));
    new WritingApp(pair, relay, 2, totals[1], anyPace(random));
    const winter = new Winter(pair, given.cuts, isLimited);
    const until = timeline.now + 4 * 3_600_000;
    let steps = 0;
    while (!client.over || !(relay.over || atRelay.drained)) {
      steps += 1;
      if (!timeline.step(until) || steps > 300_000) throw new Error(`no end: ${timeline.now} ms, ${steps} steps`);
      for (const end of pair.ends) end.check();
    }
    // What the sessions have taken in, the apps may still read.
    timeline.runFor(600_000);
    if (client.outcomes.join() !== 'clean') throw new Error(`client: ${client.outcomes}`);
    if (atClient.length !== totals[1] || atRelay.length !== totals[0])
      throw new Error(`${atClient.length} and ${atRelay.length} of ${totals}`);
    // A stall takes 30 s at most, and there are at most eight.
    if (winter.happened.attempts > 2000) throw new Error(`${winter.happened.attempts} attempts`);
    happened.stalls += winter.happened.stalls;
    happened.rotations += winter.happened.rotations;
  };
  fc.assert(fc.property(schedule, run), { numRuns: RUNS / 3 });
  expect(happened.stalls).toBeGreaterThan(RUNS / 40);
  if (isLimited) expect(happened.rotations).toBeGreaterThan(RUNS);
});
