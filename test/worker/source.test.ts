/** The name of where a request comes from: the same for one household and day, and of use to nobody else. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EMPTY, toBase64url } from '../../protocol/bytes.ts';
import { native } from '../../protocol/carrier/cipher.ts';
import { encodeHello } from '../../protocol/carrier/hello.ts';
import { initiate, PROLOGUE } from '../../protocol/carrier/noise.ts';
import { offerOf } from '../../protocol/permits/token.ts';
import { admit, handedOver, handOver } from '../../worker/admission/admission.ts';
import { configOf } from '../../worker/config.ts';

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const SECRET = random(32);

afterEach(() => {
  vi.useRealTimers();
});

/** What a client at this address is admitted as. */
async function admitted(address: string | undefined, secret = SECRET) {
  const initiator = await initiate(native, PROLOGUE, await native.publicKey(secret), random(32));
  const payload = encodeHello(
    {
      kind: 'open',
      backend: '127.0.0.1:9',
      resumable: true,
      limit: 65_536,
      allowance: Infinity,
      invite: EMPTY,
      earlyData: EMPTY,
      time: Date.now(),
    },
    random,
  );
  const key = await native.publicKey(secret);
  const protocols = (await offerOf(native, key, await initiator.writeHello(payload))).join(', ');
  const headers = new Headers({ Upgrade: 'websocket', 'Sec-WebSocket-Protocol': protocols });
  if (address) headers.set('CF-Connecting-IP', address);
  const env = { RELAY_KEY: toBase64url(secret), BACKENDS: '127.0.0.1:9' };
  const found = await admit(new Request('https://relay.example/', { headers }), env);
  if (!found) throw new Error('not admitted');
  return { ...found, config: await configOf(env) };
}

const sourceOf = async (address: string, secret?: Uint8Array<ArrayBuffer>) => (await admitted(address, secret)).source;

describe('a source', () => {
  it('is a hash, and goes to a hub as that', async () => {
    const { config, ...client } = await admitted('203.0.113.7');
    expect(client.source).toMatch(/^[\w-]{43}$/);
    const request = handOver(client);
    expect([...request.headers.keys()].sort()).toEqual(['handshake', 'sec-websocket-protocol', 'source', 'upgrade']);
    expect(handedOver(request, config).source).toBe(client.source);
  });

  it('is unknown without an address', async () => {
    const { config, ...client } = await admitted(undefined);
    expect(client.source).toBeUndefined();
    expect(handedOver(handOver(client), config).source).toBeUndefined();
  });

  it('is one IPv4 address', async () => {
    const one = await sourceOf('203.0.113.7');
    expect(await sourceOf('203.0.113.7')).toBe(one);
    expect(await sourceOf('203.0.113.8')).not.toBe(one);
  });

  it('is the first half of an IPv6 address, however it is written', async () => {
    const one = await sourceOf('2001:db8::1');
    for (const same of [
      '2001:db8::',
      '2001:db8::2:3',
      '2001:db8:0:0:1::1',
      '2001:db8:0:0:9:8:7:6',
      '2001:db8::9:8:7:6',
    ])
      expect(await sourceOf(same), same).toBe(one);
    for (const other of ['2001:db8:0:1::1', '2001:db8:1::1', '2001:db9::1', '::2001:db8:0:0', '2001::db8:0:0:1:1'])
      expect(await sourceOf(other), other).not.toBe(one);
  });

  it('has another name each day, and at each relay', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-12-01T23:59:59Z') });
    const address = '203.0.113.7';
    const one = await sourceOf(address);
    expect(await sourceOf(address, random(32))).not.toBe(one);
    vi.setSystemTime(new Date('2026-12-01T00:00:00Z'));
    expect(await sourceOf(address)).toBe(one);
    vi.setSystemTime(new Date('2026-12-02T00:00:00Z'));
    expect(await sourceOf(address)).not.toBe(one);
  });
});
