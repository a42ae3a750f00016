/**
 * The header that load balancers put before a client's bytes (the PROXY protocol, versions 1 and 2,
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). It tells the client's address. That is nobody's business: it is
 * read and dropped.
 */
import type { Readable } from 'node:stream';
import { PROXY_LINE_MAX, PROXY_REST_MAX } from '../../protocol/limits.ts';
import { Refusal, take, takeUntil } from './reading.ts';

/** Of version 2; version 1 begins with another byte. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

const LINE = /^PROXY (TCP4 [\d.]+ [\d.]+ \d{1,5} \d{1,5}|TCP6 [\da-f:.]+ [\da-f:.]+ \d{1,5} \d{1,5}|UNKNOWN( .*)?)$/i;

/** @throws Refusal for a client that does not begin with such a header, which nobody may guess (its section 2). */
export async function dropProxyHeader(client: Readable): Promise<void> {
  const first = await take(client, 1);
  client.unshift(first);
  await (first[0] === SIGNATURE[0] ? dropVersion2(client) : dropVersion1(client));
}

async function dropVersion1(client: Readable): Promise<void> {
  const line = await takeUntil(client, '\r\n', PROXY_LINE_MAX, (head) => {
    if (!'PROXY '.startsWith(head.slice(0, 6))) throw new Refusal('No PROXY header.');
  });
  if (!line || !LINE.test(line)) throw new Refusal('No PROXY header.');
}

async function dropVersion2(client: Readable): Promise<void> {
  const head = await take(client, 16);
  const version = head.readUInt8(12) >> 4;
  const command = head.readUInt8(12) & 0x0f;
  const length = head.readUInt16BE(14);
  if (!head.subarray(0, 12).equals(SIGNATURE) || version !== 2 || command > 1) throw new Refusal('No PROXY header.');
  if (length > PROXY_REST_MAX) throw new Refusal('The PROXY header is too long.');
  await take(client, length);
}
