/** Who is let in, and what everybody else sees: the Worker itself, in workerd. */
import { createExecutionContext, env, SELF } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { type Bytes, EMPTY, fromBase64url, toBase64url, toUtf8 } from '../../protocol/bytes.ts';
import { native } from '../../protocol/carrier/cipher.ts';
import { decodeGrant, encodeHello, type Hello, type OpenHello } from '../../protocol/carrier/hello.ts';
import { type Initiator, initiate, PROLOGUE } from '../../protocol/carrier/noise.ts';
import { refusalOf } from '../../protocol/errors.ts';
import { HELLO_AGE_MAX } from '../../protocol/limits.ts';
import { type Invite, inviteKeyOf, signInvite } from '../../protocol/permits/invite.ts';
import { offerOf, tokenKeyOf } from '../../protocol/permits/token.ts';
import type { Env } from '../../worker/env.ts';
import worker from '../../worker/index.ts';

const ORIGIN = 'https://relay.example/';
const relayKey = await native.publicKey(fromBase64url((env as Env).RELAY_KEY ?? '') as Bytes);
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

function hello(varied: Partial<OpenHello> = {}): Hello {
  const usual = {
    resumable: false,
    limit: 65_536,
    allowance: 0xffff,
    invite: EMPTY,
    earlyData: EMPTY,
    time: Date.now(),
  };
  return { kind: 'open', backend: '127.0.0.1:1', ...usual, ...varied };
}

async function offered(payload: Bytes, key = relayKey, prologue = PROLOGUE): Promise<[string, string, Initiator]> {
  const initiator = await initiate(native, prologue, key, random(32));
  return [...(await offerOf(native, key, await initiator.writeHello(payload))), initiator];
}

/** With unused bits set in the last character; a token cannot tell, as it is made of the text. */
async function respelt([, message]: string[]): Promise<string> {
  const last = (message ?? '').at(-1) as string;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const hello = (message ?? '').slice(0, -1) + alphabet[alphabet.indexOf(last) + 1];
  const tokenKey = await tokenKeyOf(native, relayKey);
  const token = (await native.hmac(tokenKey, toUtf8(hello))).slice(0, 12);
  return `${toBase64url(token)}, ${hello}`;
}

function upgrade(protocols: string | undefined, path = ''): Promise<Response> {
  const headers = new Headers({ Upgrade: 'websocket' });
  if (protocols !== undefined) headers.set('Sec-WebSocket-Protocol', protocols);
  return SELF.fetch(ORIGIN + path, { headers });
}

async function refusal(payload: Bytes): Promise<string | undefined> {
  const [token, message, initiator] = await offered(payload);
  const { webSocket } = await upgrade(`${token}, ${message}`);
  if (!webSocket) throw new Error('not admitted');
  return refusalIn(webSocket, initiator);
}

async function refusalIn(webSocket: WebSocket, initiator: Initiator): Promise<string | undefined> {
  webSocket.binaryType = 'arraybuffer';
  const answer = new Promise<ArrayBuffer>((resolve) => {
    webSocket.addEventListener('message', ({ data }) => resolve(data as ArrayBuffer));
  });
  const closed = new Promise((resolve) => webSocket.addEventListener('close', resolve));
  webSocket.accept();
  const { payload: grant } = await initiator.readGrant(new Uint8Array(await answer));
  await closed;
  const decoded = decodeGrant(grant);
  return 'refusal' in decoded ? refusalOf(decoded.refusal) : undefined;
}

describe('a valid hello', () => {
  it('is answered with 101 and its token, on any path', async () => {
    const [token, message] = await offered(encodeHello(hello(), random));
    const response = await upgrade(`${token}, ${message}`, 'any/path?at=all');
    expect(response.status).toBe(101);
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe(token);
    response.webSocket?.accept();
    response.webSocket?.close();
  });

  it('is told in the grant why it is refused', async () => {
    expect(await refusal(encodeHello(hello({ backend: '127.0.0.1:2' }), random))).toBe('backend-not-allowed');
    expect(await refusal(encodeHello(hello({ backend: '127.0.0.1:9' }), random))).toBe('backend-down');
    expect(await refusal(encodeHello(hello({ backend: '' }), random))).toBe('backend-not-allowed');
  });

  it('of a version or kind to come is told to update', async () => {
    const version = encodeHello(hello(), random);
    version[0] = 2;
    expect(await refusal(version)).toBe('version');
    const kind = encodeHello(hello(), random);
    kind[6] = 9;
    expect(await refusal(kind)).toBe('version');
  });

  it('that resumes is told that there is no such session', async () => {
    const resume: Hello = {
      kind: 'resume',
      time: Date.now(),
      limit: 65_536,
      received: 0,
      carrier: 2,
      session: random(16),
      mac: random(32),
      allowance: Number.POSITIVE_INFINITY,
      invite: EMPTY,
    };
    expect(await refusal(encodeHello(resume, random))).toBe('session-unknown');
  });
});

/** What a request gets, in all that a client could look at. */
async function seen(response: Response) {
  return { status: response.status, headers: [...response.headers], body: await response.text() };
}

describe('a stranger', () => {
  const stale = (by: number) => async () => {
    const [token, message] = await offered(encodeHello(hello({ time: Date.now() + by }), random));
    return `${token}, ${message}`;
  };
  const valid = stale(0);

  const strangers: [string, () => Promise<string | undefined>][] = [
    ['offers no subprotocol', async () => undefined],
    ['offers an ordinary one', async () => 'chat'],
    ['offers two ordinary ones', async () => 'chat, superchat'],
    ['sends a hello without a token', async () => (await valid()).split(', ')[1]],
    ['sends a token that is too short', async () => (await valid()).slice(1)],
    ['sends a third subprotocol', async () => `${await valid()}, chat`],
    ['sends a truncated hello', async () => (await valid()).slice(0, -4)],
    ['sends a hello of nothing but zeros', async () => `${'A'.repeat(16)}, ${'A'.repeat(400)}`],
    ['sends random bytes', async () => (await offerOf(native, relayKey, random(300))).join(', ')],
    ['sends more than fits', async () => (await offerOf(native, relayKey, random(4000))).join(', ')],
    ['sends a random token', async () => (await valid()).replace(/^[^,]+/, toBase64url(random(12)))],
    ['sends the token of another hello', async () => (await valid()).replace(/^[^,]+/, (await valid()).slice(0, 16))],
    ['writes its hello in a second spelling', async () => respelt((await valid()).split(', '))],
    ['is late', stale(-HELLO_AGE_MAX - 2000)],
    ['is early', stale(HELLO_AGE_MAX + 2000)],
    [
      'has another key',
      async () =>
        (await offered(encodeHello(hello(), random), await native.publicKey(random(32)))).slice(0, 2).join(', '),
    ],
    [
      'has another prologue',
      async () => (await offered(encodeHello(hello(), random), relayKey, new Uint8Array(8))).slice(0, 2).join(', '),
    ],
    [
      'has a small-order key',
      async () => {
        const [, message] = await offered(encodeHello(hello(), random));
        const bytes = fromBase64url(message) ?? EMPTY;
        return (await offerOf(native, relayKey, bytes.fill(0, 0, 32))).join(', ');
      },
    ],
    ['says nothing in its hello', async () => (await offered(new Uint8Array(1))).slice(0, 2).join(', ')],
    [
      'breaks off within its hello',
      async () => (await offered(encodeHello(hello(), random).slice(0, 20))).slice(0, 2).join(', '),
    ],
  ];

  it.each(strangers)('who %s sees the site, as if it had not asked for a WebSocket', async (_, protocols) => {
    for (const path of ['', 'nowhere', '.well-known/puente']) {
      const plain = await seen(await SELF.fetch(ORIGIN + path));
      expect(await seen(await upgrade(await protocols(), path))).toEqual(plain);
    }
  });

  it('whose hello has any one bit flipped is not admitted', async () => {
    const [, message] = await offered(encodeHello(hello(), random));
    const bytes = fromBase64url(message) ?? EMPTY;
    for (let bit = 0; bit < bytes.length * 8; bit += 13) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // The top bit of an X25519 key is ignored (RFC 7748 section 5), but Noise hashes it.
      expect((await upgrade((await offerOf(native, relayKey, flipped)).join(', '))).status).toBe(200);
    }
  });

  it('who replays a hello is not admitted again', async () => {
    const protocols = await valid();
    const first = await upgrade(protocols);
    expect(first.status).toBe(101);
    first.webSocket?.accept();
    first.webSocket?.close();
    expect((await upgrade(protocols)).status).toBe(200);
    expect((await upgrade(protocols.replace(', ', ','))).status).toBe(200);
  });

  it('who sends a valid hello without an upgrade sees the site', async () => {
    const headers = { 'Sec-WebSocket-Protocol': await valid() };
    expect((await SELF.fetch(ORIGIN, { headers })).status).toBe(200);
    expect((await SELF.fetch(ORIGIN, { headers: { ...headers, Upgrade: 'h2c' } })).status).toBe(200);
    // Called directly: `fetch` makes a GET of every upgrade.
    const posted = new Request(ORIGIN, { method: 'POST', headers: { ...headers, Upgrade: 'websocket' } });
    expect((await worker.fetch(posted, env, createExecutionContext())).status).toBe(404);
  });
});

describe('a private relay', () => {
  const SECRET = crypto.getRandomValues(new Uint8Array(32));
  const OLD_SECRET = crypto.getRandomValues(new Uint8Array(32));
  const DAY = 24 * 60 * 60_000;
  const id = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const usual: Env = { ACCESS: 'invite', RELAY_KEY: toBase64url(SECRET), BACKENDS: '127.0.0.1:9, 127.0.0.1:19' };
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const withOld = (until: number): Env => ({
    ...usual,
    OLD_RELAY_KEY: toBase64url(OLD_SECRET),
    OLD_KEY_UNTIL: day(until),
  });

  async function signed(varied: Partial<Invite> = {}, secret = SECRET): Promise<Bytes> {
    const invite = { id, expires: Date.now() + DAY, sessions: 0, backends: '', ...varied };
    return signInvite(native, await inviteKeyOf(native, secret), invite);
  }

  /** What the relay says to a client with this invite: a refusal, or `stranger`. No backend of its answers. */
  async function answerTo(invite: Bytes, env = usual, secret = SECRET, backend = '127.0.0.1:9'): Promise<string> {
    const payload = encodeHello(hello({ invite, backend }), random);
    const [token, message, initiator] = await offered(payload, await native.publicKey(secret));
    const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': `${token}, ${message}` };
    const response = await worker.fetch(new Request(ORIGIN, { headers }), env, createExecutionContext());
    if (!response.webSocket) return (await response.text()) === 'Hello World!' ? 'stranger' : 'something else';
    return (await refusalIn(response.webSocket, initiator)) ?? 'no code';
  }

  it('answers those who have an invite, and nobody else', async () => {
    expect(await answerTo(await signed())).toBe('backend-down');
    expect(await answerTo(EMPTY)).toBe('stranger');
    expect(await answerTo(await signed({}, OLD_SECRET))).toBe('stranger');
    expect(await answerTo(await signed({ expires: Date.now() - 2000 }))).toBe('stranger');
  });

  it('takes an invite back', async () => {
    expect(await answerTo(await signed(), { ...usual, REVOKED: `AAAAAAAA ${toBase64url(id)}` })).toBe('stranger');
    expect(await answerTo(await signed(), { ...usual, REVOKED: 'AAAAAAAA' })).toBe('backend-down');
  });

  it('lets an invite reach some of its backends only, and never others', async () => {
    const some = await signed({ backends: '127.0.0.1:19, 127.0.0.1:29' });
    expect(await answerTo(some, usual, SECRET, '127.0.0.1:19')).toBe('backend-down');
    expect(await answerTo(some, usual, SECRET, '127.0.0.1:9')).toBe('backend-not-allowed');
    expect(await answerTo(some, usual, SECRET, '127.0.0.1:29')).toBe('backend-not-allowed');
    expect(await answerTo(await signed({ backends: 'no entry' }))).toBe('backend-not-allowed');
  });

  it('takes the key before this one, with its invites, until its last day has passed', async () => {
    const old = await signed({}, OLD_SECRET);
    expect(await answerTo(old, usual, OLD_SECRET)).toBe('stranger');
    expect(await answerTo(old, withOld(Date.now()), OLD_SECRET)).toBe('backend-down');
    expect(await answerTo(old, withOld(Date.now() - DAY), OLD_SECRET)).toBe('stranger');
    expect(await answerTo(await signed(), withOld(Date.now()))).toBe('backend-down');
    // An invite of one key's in a hello to the other's.
    expect(await answerTo(old, withOld(Date.now()), SECRET)).toBe('stranger');
  });

  it('tells those with an invite that their version is old', async () => {
    const payload = encodeHello(hello({ invite: await signed() }), random);
    payload[0] = 2;
    const [token, message, initiator] = await offered(payload, await native.publicKey(SECRET));
    const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': `${token}, ${message}` };
    const { webSocket } = await worker.fetch(new Request(ORIGIN, { headers }), usual, createExecutionContext());
    expect(webSocket && (await refusalIn(webSocket, initiator))).toBe('version');
  });
});
