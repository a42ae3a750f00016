/** Which object holds which session, and that it takes a hello once. */
import { env, runInDurableObject } from 'cloudflare:test';
import { expect, inject, it } from 'vitest';
import { EMPTY } from '../../protocol/bytes.ts';
import { type Admitted, admit, handOver } from '../../worker/admission/admission.ts';
import type { Config } from '../../worker/config.ts';
import type { Env } from '../../worker/env.ts';
import { Hub } from '../../worker/session/hub.ts';
import { hubFor, sessionId } from '../../worker/session/hubs.ts';
import { PrivateRelay } from '../support/fixtures/private-relay.ts';

/** What is asked of the namespace for a hello of this kind, from a client with this ephemeral key. */
function askedFor(hello: object, { hubs = 4, region }: Partial<Config>): unknown[] {
  const asked: unknown[] = [];
  const namespace = {
    idFromName: (name: string) => name,
    get: (name: string, options: object) => asked.push(name, options),
  };
  const admitted = { hello, handshake: { clientEphemeral: Uint8Array.of(1, 6) } } as unknown as Admitted;
  hubFor(admitted, { hubs, region } as Config, namespace as unknown as NonNullable<Env['HUB']>);
  return asked;
}

const open = { kind: 'open', resumable: true };
const resume = (session: Uint8Array) => ({ kind: 'resume', session });

it('is chosen by the ephemeral key, and near whom the volunteer says', () => {
  expect(askedFor(open, {})).toEqual(['hub-2', {}]);
  expect(askedFor(open, { region: 'me' })).toEqual(['hub-me-2', { locationHint: 'me' }]);
});

it('is found again by the id of its session, however many there are now', () => {
  for (const region of [undefined, 'me'] as const) {
    const [name] = askedFor(open, { region });
    expect(askedFor(resume(sessionId(name as string)), { region, hubs: 1 })[0]).toBe(name);
  }
});

it('is none for what is no session of a hub', () => {
  expect(askedFor(open, { hubs: 0 })).toEqual([]);
  expect(askedFor({ kind: 'open', resumable: false }, {})).toEqual([]);
  expect(askedFor({ kind: 'check', resumable: true }, {})).toEqual([]);
  expect(askedFor(resume(EMPTY), {})).toEqual([]);
  expect(askedFor(resume(new Uint8Array(17).fill(32)), {})).toEqual([]);
});

it('takes one of two copies of a hello that come at the same time', async () => {
  const of = new PrivateRelay(inject('backend'), 'any://127.0.0.1:9');
  const { HUB } = env as Env;
  await runInDurableObject(HUB?.get(HUB.newUniqueId()) as DurableObjectStub, async (_, state) => {
    const hub = new Hub(state, of.vars);
    const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': (await of.valid({ resumable: true })()) ?? '' };
    const admitted = await admit(new Request('https://relay.example/', { headers }), of.vars);
    const responses = await Promise.all([1, 2].map(() => hub.fetch(handOver(admitted as Admitted))));
    expect(responses.map(({ status }) => status).sort()).toEqual([101, 404]);
    for (const { webSocket } of responses) {
      webSocket?.accept();
      webSocket?.close();
    }
  });
});
