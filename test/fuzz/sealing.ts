/** Keys as a handshake gives them, without a handshake for each case. */
import { nodeCipher } from '../../client/node/cipher.ts';
import { type Bytes, EMPTY } from '../../protocol/bytes.ts';
import type { Awaitable } from '../../protocol/carrier/cipher.ts';
import { counter, type Transport } from '../../protocol/carrier/noise.ts';

const key = new Uint8Array(32).fill(3);
const [seal, open] = await Promise.all([nodeCipher.sealer(key), nodeCipher.opener(key)]);

/** Either end of a new carrier: what no case tries is to send an end its own records, so one key will do for both ways. */
export function newTransport(): Transport {
  const [sealed, opened] = [counter(), counter()];
  return {
    seal: (plaintext) => seal(sealed(), EMPTY, plaintext),
    open: (record) => open(opened(), EMPTY, record),
    secret: EMPTY,
  };
}

/** A sealed record in memory of its own, as a WebSocket delivers it. */
export function sealAt(transport: Transport, plaintext: Bytes): Bytes {
  return atOnce(transport.seal(plaintext)).slice();
}

export function openAt(transport: Transport, record: Bytes): Bytes {
  return atOnce(transport.open(record));
}

function atOnce(bytes: Awaitable<Bytes>): Bytes {
  if (bytes instanceof Promise) throw new TypeError('node:crypto is not late');
  return bytes;
}
