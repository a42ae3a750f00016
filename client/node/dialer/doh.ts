/** DNS over HTTPS (RFC 8484): asks resolvers in whose place the network cannot answer. */
import { request } from 'node:https';
import { type Bytes, concat } from '../../../protocol/bytes.ts';
import { decodeAnswer, encodeQuery, type Type } from './dns-message.ts';
import { patience } from './patience.ts';

/**
 * The longest answer of a resolver, in bytes, and the longest wait for an answer, in milliseconds. There are other
 * resolvers to wait for.
 */
const DNS_MESSAGE_MAX = 4096;
const DNS_PATIENCE = 4000;

/**
 * Resolvers by address, so that no name has to be resolved first, and the addresses of two companies. Quad9 is not
 * among them: it wants HTTP/2, which `node:https` does not speak (https://quad9.net/news/blog/doh-http-1-1-retirement).
 */
export const RESOLVERS: readonly string[] = ['https://1.1.1.1/dns-query', 'https://8.8.8.8/dns-query'];

/**
 * The addresses of a name, from the first resolver that has an address.
 * @param resolvers URLs; each must have a certificate for the host in it
 * @throws when no resolver has an address
 */
export async function resolveOverHttps(
  name: string,
  resolvers: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const over = new AbortController();
  const end = () => over.abort();
  const stop = patience(DNS_PATIENCE, end);
  signal.addEventListener('abort', end);
  try {
    return await Promise.any(resolvers.map((resolver) => bothOf(name, resolver, over.signal)));
  } finally {
    stop();
    signal.removeEventListener('abort', end);
    end();
  }
}

/** IPv6 and IPv4 addresses in turn, as RFC 8305 section 4 orders them. One of the two kinds is enough. */
async function bothOf(name: string, resolver: string, signal: AbortSignal): Promise<string[]> {
  const asked = (['AAAA', 'A'] as const).map((type) => ask(name, type, resolver, signal));
  const [six = [], four = []] = (await Promise.allSettled(asked)).map((answer) =>
    answer.status === 'fulfilled' ? answer.value : [],
  );
  const addresses = Array.from({ length: Math.max(six.length, four.length) }, (_, at) => [six[at], four[at]]);
  const found = addresses.flat().filter((address) => address !== undefined);
  if (found.length === 0) throw new Error(`${resolver} has no address`);
  return found;
}

async function ask(name: string, type: Type, resolver: string, signal: AbortSignal): Promise<string[]> {
  return decodeAnswer(await post(resolver, encodeQuery(name, type), signal), name, type);
}

/** A POST: servers log URLs, and so the URL must not have the name in it. */
function post(url: string, body: Bytes, signal: AbortSignal): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/dns-message',
      'content-type': 'application/dns-message',
      'content-length': body.length,
    };
    const asking = request(url, { method: 'POST', headers, agent: false, signal }, async (response) => {
      try {
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
        const parts: Bytes[] = [];
        let length = 0;
        for await (const part of response as AsyncIterable<Buffer<ArrayBuffer>>) {
          length += part.length;
          if (length > DNS_MESSAGE_MAX) throw new Error('too long');
          parts.push(part);
        }
        resolve(concat(...parts));
      } catch (error) {
        asking.destroy();
        reject(error);
      }
    });
    asking.on('error', reject);
    asking.end(body);
  });
}
