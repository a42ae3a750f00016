/** The code against `docs/vectors.json`, with a cipher. */
import { expect } from 'vitest';
import vectors from '../../docs/vectors.json' with { type: 'json' };
import type { Bytes } from '../../protocol/bytes.ts';
import type { Cipher } from '../../protocol/carrier/cipher.ts';
import {
  decodeGrant,
  decodeHello,
  encodeGrant,
  encodeHello,
  type Hello,
  readOffer,
} from '../../protocol/carrier/hello.ts';
import { initiate, PROLOGUE, Responder, relayKeyOf } from '../../protocol/carrier/noise.ts';
import { inviteKeyOf, openInvite, signInvite } from '../../protocol/permits/invite.ts';
import { formatLink, parseLink } from '../../protocol/permits/link.ts';
import { statusKeyOf } from '../../protocol/permits/status.ts';
import { isToken, offerOf, tokenKeyOf } from '../../protocol/permits/token.ts';
import { decodeFrames, encodeFrames } from '../../protocol/session/frames.ts';

type Vectors = typeof vectors;
type Handshake = Vectors['handshakes']['open'] & {
  hello: { received?: number; carrier?: number; session?: string; mac?: string };
};

const hex = (text: string): Bytes => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const written = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const least = (length: number): Bytes => new Uint8Array(length);
/** Padding is of a length at random. */
const unpadded = (text: string): string => text.replace(/(00)+$/, '');

export async function checkVectors(cipher: Cipher): Promise<void> {
  const secret = hex(vectors.relay.s);
  const relayKey = await cipher.publicKey(secret);
  expect(written(relayKey)).toBe(vectors.relay.S);
  expect(written(await tokenKeyOf(cipher, relayKey))).toBe(vectors.relay['token key']);
  expect(written(await inviteKeyOf(cipher, secret))).toBe(vectors.relay['invite key']);
  expect(written(await statusKeyOf(cipher, secret))).toBe(vectors.relay['status key']);
  for (const invite of Object.values(vectors.invites)) await checkInvite(cipher, invite);
  for (const link of Object.values(vectors.links)) checkLink(link);
  for (const handshake of Object.values(vectors.handshakes)) await checkHandshake(cipher, handshake as Handshake);
  await checkRecords(cipher);
  for (const word of Object.values(vectors.wrong.words))
    expect(() => parseLink(`https://relay.example/#${word}`)).toThrow();
  for (const payload of Object.values(vectors.wrong.hellos)) expect(() => decodeHello(hex(payload))).toThrow();
  for (const payload of Object.values(vectors.wrong.grants)) expect(() => decodeGrant(hex(payload))).toThrow();
  for (const frames of Object.values(vectors.wrong.plaintexts)) expect(() => decodeFrames(hex(frames))).toThrow();
}

async function checkInvite(
  cipher: Cipher,
  { key, fields, bytes }: Vectors['invites']['to one backend'],
): Promise<void> {
  const invite = { ...fields, id: hex(fields.id), expires: fields.expires * 1000 };
  expect(written(await signInvite(cipher, hex(key), invite))).toBe(bytes);
  expect(await openInvite(cipher, hex(key), hex(bytes))).toEqual(invite);
}

function checkLink({ address, key, invite, link }: Vectors['links']['with an invite']): void {
  const parsed = { url: address, key: hex(key), ...(invite && { invite: hex(invite) }) };
  expect(parseLink(link)).toEqual(parsed);
  expect(formatLink(parsed)).toBe(link);
}

async function checkHandshake(cipher: Cipher, values: Handshake): Promise<void> {
  const hello = helloOf(values);
  const payload = hex(values['hello payload']);
  expect(decodeHello(payload)).toEqual(hello);
  expect(unpadded(written(encodeHello(hello, least)))).toBe(unpadded(values['hello payload']));

  const relay = await relayKeyOf(cipher, hex(vectors.relay.s));
  const initiator = await initiate(cipher, PROLOGUE, relay.publicKey, hex(values.ec));
  expect(written(initiator.binding)).toBe(values.steps.binding);
  const message1 = await initiator.writeHello(payload);
  expect(written(message1)).toBe(values['message 1']);
  const [, text] = await offerOf(cipher, relay.publicKey, message1, '');
  expect(text).toBe(values.HELLO);
  const offer = { token: values.TOKEN, hello: text };
  expect(readOffer(values['Sec-WebSocket-Protocol'])).toEqual(offer);
  expect(await isToken(cipher, await tokenKeyOf(cipher, relay.publicKey), offer)).toBe(true);

  const responder = await Responder.readHello(cipher, relay, message1);
  expect(responder.payload).toEqual(payload);
  const granted = await responder.writeGrant(hex(values['grant payload']), hex(values.er));
  expect(written(granted.message)).toBe(values['message 2']);
  const received = await initiator.readGrant(granted.message);
  expect(written(received.payload)).toBe(values['grant payload']);
  expect(written(received.transport.secret)).toBe(values.steps.secret);
  checkGrant(values);
  if (hello.kind === 'resume') {
    const { secret } = vectors.handshakes['open, resumable'].steps;
    expect(await cipher.hmac(hex(secret), initiator.binding)).toEqual(hello.mac);
  }
}

function helloOf({ hello }: Handshake): Hello {
  const { kind, time, invite, allowance, options, limit, backend, earlyData, received, carrier, session, mac } = hello;
  const common = { time: time * 1000, invite: hex(invite), allowance: allowance || Infinity, limit };
  if (kind !== 'resume')
    return { kind: kind as 'open', ...common, resumable: options === 1, backend, earlyData: hex(earlyData) };
  return {
    kind,
    ...common,
    received: received ?? 0,
    carrier: carrier ?? 0,
    session: hex(session ?? ''),
    mac: hex(mac ?? ''),
  };
}

function checkGrant({ grant, hello, 'grant payload': payload }: Handshake): void {
  const { code, options, received, limit, patience, session } = grant;
  const expected =
    code === 0
      ? { resumable: options === 1, received, limit, patience: patience * 1000, session: hex(session) }
      : { refusal: code };
  expect(decodeGrant(hex(payload))).toEqual(expected);
  expect(unpadded(written(encodeGrant(expected, hello.allowance || Infinity, least)))).toBe(unpadded(payload));
}

async function checkRecords(cipher: Cipher): Promise<void> {
  const { records, handshakes } = vectors;
  const { kc, kr } = handshakes.open.steps;
  for (const { from, counter, plaintext, record } of records.of) {
    const key = hex(from === 'client' ? kc : kr);
    const seal = await cipher.sealer(key);
    const open = await cipher.opener(key);
    expect(written(await seal(counter, least(0), hex(plaintext)))).toBe(record);
    expect(written(await open(counter, least(0), hex(record)))).toBe(plaintext);
    expect(written(encodeFrames(decodeFrames(hex(plaintext))))).toBe(plaintext);
  }
}
