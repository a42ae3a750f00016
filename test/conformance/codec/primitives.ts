/** The four operations of the handshake (section 4), by node:crypto. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto';
import { u64 } from './bytes.ts';

export const TAG = 16;

// RFC 8410: the DER that stands before the 32 bytes of a key.
const SECRET_DER = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b656e032100', 'hex');

const secretKey = (secret: Buffer) =>
  createPrivateKey({ key: Buffer.concat([SECRET_DER, secret]), format: 'der', type: 'pkcs8' });

/** @throws where the result is all zero, as OpenSSL refuses it */
export function x25519(secret: Buffer, theirs: Buffer): Buffer {
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC_DER, theirs]), format: 'der', type: 'spki' });
  return diffieHellman({ privateKey: secretKey(secret), publicKey });
}

export function publicKeyOf(secret: Buffer): Buffer {
  return createPublicKey(secretKey(secret)).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length);
}

export const sha256 = (data: Buffer): Buffer => createHash('sha256').update(data).digest();
export const hmac = (key: Buffer, data: Buffer): Buffer => createHmac('sha256', key).update(data).digest();

export function hkdf(ck: Buffer, material: Buffer, outputs: number): Buffer[] {
  const temp = hmac(ck, material);
  const results: Buffer[] = [];
  for (let index = 1; index <= outputs; index++)
    results.push(hmac(temp, Buffer.concat([results.at(-1) ?? Buffer.alloc(0), Buffer.of(index)])));
  return results;
}

const nonce = (counter: number): Buffer => Buffer.concat([Buffer.alloc(4), u64(counter)]);

export function seal(key: Buffer, counter: number, associated: Buffer, plaintext: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce(counter)).setAAD(associated);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** @throws where the tag does not match */
export function open(key: Buffer, counter: number, associated: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(counter), { authTagLength: TAG }).setAAD(associated);
  decipher.setAuthTag(sealed.subarray(-TAG));
  return Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()]);
}
