/** A resolver over HTTPS (RFC 8484) that knows a few names, on loopback. */
import https from 'node:https';
import type { Certificate } from '../fixtures/certificate.ts';
import { type Listening, listen } from '../network/listen.ts';

export interface DohServer extends Listening {
  /** Its address, as `dialer({ doh })` takes it. */
  url: string;
  /** Names that it was asked for, with the type: 1 is A, 28 AAAA. */
  asked: string[];
}

/** @param records IPv4 addresses of each name */
export async function startDohServer(certificate: Certificate, records: Record<string, string[]>): Promise<DohServer> {
  const asked: string[] = [];
  const server = https.createServer(certificate, async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const query = Buffer.concat(parts);
    const { name, end } = questionOf(query);
    const type = query.readUInt16BE(end);
    asked.push(`${name} ${type}`);
    const addresses = (type === 1 && records[name]) || [];
    response.setHeader('content-type', 'application/dns-message').end(answer(query.subarray(12, end + 4), addresses));
  });
  const listening = await listen(server);
  return { ...listening, url: `https://127.0.0.1:${listening.port}/dns-query`, asked };
}

function questionOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

/** Each name in it is a pointer to the question's. */
export function answer(question: Buffer, addresses: string[]): Buffer {
  const header = Buffer.from('000081800001000000000000', 'hex');
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) =>
    Buffer.concat([Buffer.from('c00c000100010000003c0004', 'hex'), Buffer.from(address.split('.').map(Number))]),
  );
  return Buffer.concat([header, question, ...records]);
}
