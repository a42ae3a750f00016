/** A check at the relay: what is sent comes back, and nothing else can be had of it. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, concat, EMPTY, toBase64url } from '../../protocol/bytes.ts';
import type { OpenHello } from '../../protocol/carrier/hello.ts';
import { refusalOf, resetOf } from '../../protocol/errors.ts';
import { CHECK_BYTES } from '../../protocol/limits.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { PrivateRelay } from '../support/fixtures/private-relay.ts';
import { openHello, RawClient, random } from '../support/network/raw-client.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';
import { until } from '../support/until.ts';

const KEY = random(32);
let backend: Backend;
let relay: Workerd;
let invited: Workerd;
let settings: PrivateRelay;
let link: string;

beforeAll(async () => {
  backend = await startBackend(echo);
  const worker = inject('worker');
  const certificate = await makeCertificate();
  relay = await serve(worker, { RELAY_KEY: toBase64url(KEY), BACKENDS: backend.entry }, certificate);
  settings = new PrivateRelay(backend.address, backend.entry);
  invited = await serve(worker, settings.vars, certificate);
  link = formatLink({ url: `http://127.0.0.1:${relay.port}/`, key: await nodeCipher.publicKey(KEY) });
});

afterAll(async () => {
  await relay.stop();
  await invited.stop();
  await backend.close();
});

const checkHello = (varied: Partial<OpenHello> = {}) => openHello('', { kind: 'check', ...varied });

/** What has come back, in order. */
function echoed({ frames }: RawClient): Bytes {
  return concat(...frames.flatMap((frame) => (frame.type === 'data' ? [frame.bytes] : [])));
}

function resetIn({ frames }: RawClient): string | undefined {
  const reset = frames.find(({ type }) => type === 'reset');
  return reset?.type === 'reset' ? resetOf(reset.code) : undefined;
}

async function sendAll(client: RawClient, bytes: Bytes): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += 16_384) {
    // Credit comes back with what is echoed.
    await until('what was sent is back', () => echoed(client).length === offset || resetIn(client) !== undefined);
    const part = bytes.slice(offset, offset + 16_384);
    await client.send({ type: 'ack', received: offset, limit: CHECK_BYTES + 2 }, { type: 'data', offset, bytes: part });
  }
}

it('sends back every byte, then ends, and reaches no backend', async () => {
  const client = await RawClient.open(link, checkHello({ backend: backend.address }));
  expect(client.grant).toMatchObject({ resumable: false, received: 0, session: EMPTY });
  const bytes = random(CHECK_BYTES);
  await sendAll(client, bytes);
  await client.send({ type: 'fin', offset: CHECK_BYTES });
  await until('it has ended', () => client.frames.some(({ type }) => type === 'fin'));
  expect(Buffer.from(echoed(client)).equals(bytes)).toBe(true);
  expect(resetIn(client)).toBeUndefined();
  await client.send({ type: 'ack', received: CHECK_BYTES + 1, limit: CHECK_BYTES + 2 });
  await client.closed;
  expect(backend.accepted).toBe(0);
});

it('is not resumable, whatever the client wishes', async () => {
  const client = await RawClient.open(link, checkHello({ resumable: true }));
  expect(client.grant).toMatchObject({ resumable: false, session: EMPTY });
  client.close();
});

it('ends at one byte more', async () => {
  const client = await RawClient.open(link, checkHello());
  await sendAll(client, random(CHECK_BYTES));
  await until('all is back', () => echoed(client).length === CHECK_BYTES);
  const ack = { type: 'ack', received: CHECK_BYTES, limit: CHECK_BYTES + 2 } as const;
  await client.send(ack, { type: 'data', offset: CHECK_BYTES, bytes: random(1) });
  await client.closed;
  expect(resetIn(client)).toBe('backend-reset');
  expect(echoed(client)).toHaveLength(CHECK_BYTES);
});

it('ends at an end before', async () => {
  const client = await RawClient.open(link, checkHello());
  await client.send({ type: 'data', offset: 0, bytes: random(10) }, { type: 'fin', offset: 10 });
  await client.closed;
  expect(resetIn(client)).toBe('backend-reset');
});

it('needs an invite in a private relay, and counts as one of its sessions', async () => {
  const origin = `http://127.0.0.1:${invited.port}/`;
  const withInvite = async (invite: Bytes) => {
    const address = formatLink({ url: origin, key: await settings.key(), invite });
    return RawClient.open(address, checkHello({ invite }));
  };
  await expect(withInvite(random(30))).rejects.toThrow();
  const invite = await settings.invite({ sessions: 1 });
  const first = await withInvite(invite);
  expect('refusal' in first.grant).toBe(false);
  const second = await withInvite(invite);
  expect('refusal' in second.grant && refusalOf(second.grant.refusal)).toBe('limited');
  first.close();
});
