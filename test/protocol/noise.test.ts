/** The handshake against its published vectors, and against everything that is not the handshake. */
import { describe, expect, test } from 'vitest';
import { type Bytes, concat, EMPTY, toUtf8 } from '../../protocol/bytes.ts';
import { type Cipher, checkedSecret, native } from '../../protocol/carrier/cipher.ts';
import { counter, initiate, PROLOGUE, Responder, relayKeyOf } from '../../protocol/carrier/noise.ts';
import { HELLO_OVERHEAD, RECORDS_PER_KEY_MAX } from '../../protocol/limits.ts';
import { CIPHERS, expectCode, failure, flipped, fromHex, thrown } from './helpers.ts';
import { NOISE_NK } from './vectors.ts';

const PAIRS = CIPHERS.flatMap(([clientName, client]) =>
  CIPHERS.map(([relayName, relay]) => [clientName, relayName, client, relay] as const),
);

const RELAY = { secret: fromHex(NOISE_NK.relaySecret), publicKey: fromHex(NOISE_NK.relayPublicKey) };
const CLIENT_EPHEMERAL = fromHex(NOISE_NK.clientEphemeralSecret);
const RELAY_EPHEMERAL = fromHex(NOISE_NK.relayEphemeralSecret);

async function handshake(client: Cipher, relay: Cipher, prologue: Bytes, hello: Bytes, grant: Bytes) {
  const initiator = await initiate(client, prologue, RELAY.publicKey, CLIENT_EPHEMERAL);
  const { binding } = initiator;
  const message1 = await initiator.writeHello(hello);
  const key = await relayKeyOf(relay, RELAY.secret, prologue);
  const responder = await Responder.readHello(relay, key, message1);
  const granted = await responder.writeGrant(grant, RELAY_EPHEMERAL);
  const read = await initiator.readGrant(granted.message);
  return { binding, message1, responder, granted, read };
}

async function hello(prologue = PROLOGUE, relayKey = RELAY.publicKey) {
  const initiator = await initiate(native, prologue, relayKey, CLIENT_EPHEMERAL);
  return { initiator, message: await initiator.writeHello(toUtf8('hello')) };
}

async function grant() {
  const { initiator, message } = await hello();
  const responder = await readHello(message);
  return { initiator, message: (await responder.writeGrant(toUtf8('grant'), RELAY_EPHEMERAL)).message };
}

async function readHello(message: Bytes, cipher: Cipher = native, secret = RELAY.secret): Promise<Responder> {
  return Responder.readHello(cipher, await relayKeyOf(cipher, secret), message);
}

describe('published vectors', () => {
  test.each(PAIRS)('client %s, relay %s', async (_client, _relay, client, relay) => {
    const [first, second, ...records] = NOISE_NK.messages.map(({ payload, ciphertext }) => ({
      payload: fromHex(payload),
      ciphertext: fromHex(ciphertext),
    }));
    if (!first || !second) throw new Error('no vectors');
    const { message1, responder, granted, read } = await handshake(
      client,
      relay,
      fromHex(NOISE_NK.prologue),
      first.payload,
      second.payload,
    );
    expect(new Uint8Array(message1)).toEqual(first.ciphertext);
    expect(responder.payload).toEqual(first.payload);
    expect(responder.clientEphemeral).toEqual(first.ciphertext.slice(0, 32));
    expect(new Uint8Array(granted.message)).toEqual(second.ciphertext);
    expect(read.payload).toEqual(second.payload);

    expect(records.length).toBeGreaterThanOrEqual(4);
    for (const [index, { payload, ciphertext }] of records.entries()) {
      const [from, to] = index % 2 === 0 ? [read.transport, granted.transport] : [granted.transport, read.transport];
      expect(new Uint8Array(await from.seal(payload))).toEqual(ciphertext);
      expect(new Uint8Array(await to.open(ciphertext))).toEqual(payload);
    }
  });

  test('the static key is the one of its secret', async () => {
    for (const [, cipher] of CIPHERS) expect(await cipher.publicKey(RELAY.secret)).toEqual(RELAY.publicKey);
  });
});

describe('the exported secret', () => {
  test.each(PAIRS)('is the same at both ends, and no key: client %s, relay %s', async (_c, _r, client, relay) => {
    const { granted, read, binding, responder } = await handshake(client, relay, PROLOGUE, EMPTY, EMPTY);
    const { secret } = read.transport;
    expect(secret).toEqual(granted.transport.secret);
    expect(secret.length).toBe(32);
    expect(binding).toEqual(responder.binding);

    const probe = toUtf8('probe');
    const underSecret = new Uint8Array(await (await native.sealer(secret))(0, EMPTY, probe));
    const [fromClient, fromRelay] = [await read.transport.seal(probe), await granted.transport.seal(probe)];
    expect(new Uint8Array(fromClient)).not.toEqual(underSecret);
    expect(new Uint8Array(fromRelay)).not.toEqual(underSecret);
    expect(new Uint8Array(fromClient)).not.toEqual(new Uint8Array(fromRelay));
  });

  test('changes with every handshake', async () => {
    const { read: first } = await handshake(native, native, PROLOGUE, EMPTY, EMPTY);
    const { read: second } = await handshake(native, native, PROLOGUE, toUtf8('x'), EMPTY);
    const initiator = await initiate(native, PROLOGUE, RELAY.publicKey, RELAY_EPHEMERAL);
    const responder = await readHello(await initiator.writeHello(EMPTY));
    const third = await initiator.readGrant((await responder.writeGrant(EMPTY, CLIENT_EPHEMERAL)).message);
    // The chaining key holds no payload; the ephemeral keys make the difference.
    expect(first.transport.secret).toEqual(second.transport.secret);
    expect(first.transport.secret).not.toEqual(third.transport.secret);
  });
});

describe('the binding', () => {
  test('is fixed before the payload is, and differs with the ephemeral key and with the relay', async () => {
    const start = (key: Bytes, ephemeral: Bytes) => initiate(native, PROLOGUE, key, ephemeral);
    const one = await start(RELAY.publicKey, CLIENT_EPHEMERAL);
    const before = one.binding;
    const message = await one.writeHello(toUtf8('anything'));
    expect((await readHello(message)).binding).toEqual(before);
    expect((await start(RELAY.publicKey, RELAY_EPHEMERAL)).binding).not.toEqual(before);
    const otherRelay = await native.publicKey(CLIENT_EPHEMERAL);
    expect((await start(otherRelay, CLIENT_EPHEMERAL)).binding).not.toEqual(before);
  });
});

describe('a hello is refused', () => {
  test.each(CIPHERS)('with any byte changed (%s)', async (_name, cipher) => {
    const { message } = await hello();
    await expect(readHello(message, cipher)).resolves.toHaveProperty('payload', toUtf8('hello'));
    for (let at = 0; at < message.length; at++) {
      // RFC 7748 section 5: the topmost bit of a u-coordinate is masked, so only the hash notices that one.
      await failure(() => readHello(flipped(message, at * 8 + 7), cipher));
      await failure(() => readHello(flipped(message, at * 8), cipher));
    }
  });

  test.each(CIPHERS)('at any shorter or greater length (%s)', async (_name, cipher) => {
    const { message } = await hello();
    for (let length = 0; length < message.length; length++)
      await failure(() => readHello(message.slice(0, length), cipher));
    await failure(() => readHello(concat(message, Uint8Array.of(0)), cipher));
  });

  test('made for another relay, or under another prologue', async () => {
    const otherKey = await native.publicKey(RELAY_EPHEMERAL);
    const forOther = (await hello(PROLOGUE, otherKey)).message;
    await failure(() => readHello(forOther));
    expect((await readHello(forOther, native, RELAY_EPHEMERAL)).payload).toEqual(toUtf8('hello'));
    const underOther = (await hello(toUtf8('puente/2'))).message;
    await failure(() => readHello(underOther));
  });

  test('of nothing but its overhead it is still one', async () => {
    const initiator = await initiate(native, PROLOGUE, RELAY.publicKey, CLIENT_EPHEMERAL);
    const message = await initiator.writeHello(EMPTY);
    expect(message.length).toBe(HELLO_OVERHEAD);
    expect((await readHello(message)).payload).toEqual(EMPTY);
  });
});

describe('a grant is refused', () => {
  test('with any byte changed', async () => {
    const { message } = await grant();
    for (let at = 0; at < message.length; at++) {
      for (const bit of [0, 7]) {
        const { initiator } = await hello();
        await failure(() => initiator.readGrant(flipped(message, at * 8 + bit)));
      }
    }
    const { initiator } = await hello();
    expect((await initiator.readGrant(message)).payload).toEqual(toUtf8('grant'));
  });

  test('at any shorter or greater length', async () => {
    const { message } = await grant();
    for (let length = 0; length <= message.length + 1; length++) {
      if (length === message.length) continue;
      const { initiator } = await hello();
      await failure(() => initiator.readGrant(concat(message, Uint8Array.of(0)).slice(0, length)));
    }
  });

  test('in answer to another hello', async () => {
    const { message } = await grant();
    const other = await initiate(native, PROLOGUE, RELAY.publicKey, RELAY_EPHEMERAL);
    await other.writeHello(toUtf8('hello'));
    await failure(() => other.readGrant(message));
    // The same ephemeral key, but another payload: the hash holds every byte that was exchanged.
    const same = await initiate(native, PROLOGUE, RELAY.publicKey, CLIENT_EPHEMERAL);
    await same.writeHello(toUtf8('hullo'));
    await failure(() => same.readGrant(message));
  });
});

describe('keys of small order', () => {
  const POINTS = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ].map(fromHex);

  test.each(CIPHERS)('give no shared secret (%s)', async (_name, cipher) => {
    for (const point of POINTS) await failure(() => cipher.sharedSecret(RELAY.secret, point));
  });

  test('nor where an implementation gives one', () => {
    expect(thrown(() => checkedSecret(new Uint8Array(32)))).toBeInstanceOf(Error);
    const shared = new Uint8Array(32).fill(1, 31);
    expect(checkedSecret(shared)).toBe(shared);
  });

  test.each(CIPHERS)('are refused as ephemeral and as static key (%s)', async (_name, cipher) => {
    // Without the check the shared secret would be all zeros, so this hello could be made by anyone.
    for (const point of POINTS) {
      const forged: Cipher = { ...cipher, publicKey: () => point, sharedSecret: () => new Uint8Array(32) };
      const initiator = await initiate(forged, PROLOGUE, RELAY.publicKey, CLIENT_EPHEMERAL);
      const message = await initiator.writeHello(toUtf8('hello'));
      await failure(() => readHello(message, cipher));
      const deceived = await initiate(cipher, PROLOGUE, point, CLIENT_EPHEMERAL);
      await failure(() => deceived.writeHello(toUtf8('hello')));
    }
  });
});

describe('records', () => {
  test.each(PAIRS)(
    'open once, in their order, in their direction: client %s, relay %s',
    async (_c, _r, client, relay) => {
      const fresh = async () => {
        const { granted, read } = await handshake(client, relay, PROLOGUE, EMPTY, EMPTY);
        return { from: read.transport, to: granted.transport };
      };
      const record = async (n: number) => {
        const { from } = await fresh();
        for (let index = 0; index < n; index++) await from.seal(EMPTY);
        return Uint8Array.from(await from.seal(toUtf8(`record ${n}`)));
      };
      const [zero, one] = [await record(0), await record(1)];
      const { from, to } = await fresh();
      await failure(() => to.open(one));
      const second = await fresh();
      expect(new Uint8Array(await second.to.open(zero))).toEqual(toUtf8('record 0'));
      await failure(() => second.to.open(zero));
      await failure(() => from.open(zero));
    },
  );
});

describe('counter', () => {
  test('counts from zero', () => {
    const next = counter();
    expect([next(), next(), next()]).toEqual([0, 1, 2]);
  });

  test('throws key-exhausted at its bound, for good', () => {
    const next = counter(RECORDS_PER_KEY_MAX - 2);
    expect([next(), next()]).toEqual([RECORDS_PER_KEY_MAX - 2, RECORDS_PER_KEY_MAX - 1]);
    expectCode(thrown(next), 'key-exhausted');
    expectCode(thrown(next), 'key-exhausted');
  });
});
