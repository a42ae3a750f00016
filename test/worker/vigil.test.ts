/** When a hub has itself called, so that it stays in memory. */
import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { FIRST_RECORD_TIMEOUT } from '../../protocol/limits.ts';
import { type Admitted, admit, handOver } from '../../worker/admission/admission.ts';
import type { Env } from '../../worker/env.ts';
import { Hub } from '../../worker/session/hub.ts';
import { VIGIL_EVERY, Vigil } from '../../worker/session/vigil.ts';
import { PrivateRelay } from '../support/fixtures/private-relay.ts';

afterEach(() => {
  vi.useRealTimers();
});

async function inObject(test: (state: DurableObjectState) => Promise<void>): Promise<void> {
  const { HUB } = env as Env;
  await runInDurableObject(HUB?.get(HUB.newUniqueId()) as DurableObjectStub, (_, state) => test(state));
}

/** As the runtime does it: the alarm that goes off is none any more. */
async function goOff({ storage }: DurableObjectState, alarmed: { alarm(): void }): Promise<void> {
  await storage.deleteAlarm();
  alarmed.alarm();
}

describe('a vigil', () => {
  it('is an alarm while something waits, again and again, and none when nothing does', () =>
    inObject(async (state) => {
      const { storage } = state;
      let waits = false;
      const vigil = new Vigil(storage, () => waits);
      vigil.begin();
      expect(await storage.getAlarm()).toBeNull();
      waits = true;
      const now = Date.now();
      vigil.begin();
      const at = (await storage.getAlarm()) ?? 0;
      expect(at).toBeGreaterThan(now);
      expect(at).toBeLessThanOrEqual(Date.now() + VIGIL_EVERY);
      // Each that is set is a row written.
      await new Promise((resolve) => setTimeout(resolve, 5));
      vigil.begin();
      expect(await storage.getAlarm()).toBe(at);
      await goOff(state, vigil);
      expect(await storage.getAlarm()).toBeGreaterThan(at);
      waits = false;
      await goOff(state, vigil);
      expect(await storage.getAlarm()).toBeNull();
    }));

  it('of a hub begins when a session waits for its client, and ends with that', () =>
    inObject(async (state) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const of = new PrivateRelay(inject('backend'), `any://${inject('backend')}`);
      const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': (await of.valid({ resumable: true })()) ?? '' };
      const admitted = await admit(new Request('https://relay.example/', { headers }), of.vars);
      const hub = new Hub(state, of.vars);
      const { webSocket } = await hub.fetch(handOver(admitted as Admitted));
      const granted = new Promise((resolve) => webSocket?.addEventListener('message', resolve));
      webSocket?.accept();
      await granted;
      await goOff(state, hub);
      expect(await state.storage.getAlarm()).toBeNull();
      webSocket?.close();
      await vi.waitFor(async () => expect(await state.storage.getAlarm()).not.toBeNull());
      await goOff(state, hub);
      expect(await state.storage.getAlarm()).not.toBeNull();
      vi.advanceTimersByTime(FIRST_RECORD_TIMEOUT);
      await vi.waitFor(async () => {
        await goOff(state, hub);
        expect(await state.storage.getAlarm()).toBeNull();
      });
    }));
});
