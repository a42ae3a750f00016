/**
 * An HTTP proxy that knows CONNECT (RFC 9110 section 9.3.6) and nothing else. A web page can make a browser send other
 * requests to this port, but not CONNECT. So this port serves no page, by whatever name the page reaches it.
 */
import type net from 'node:net';
import type { Code, PuenteError } from '../../protocol/errors.ts';
import type { Request } from './entrance.ts';
import { response, type Status } from './http-response.ts';
import { Refusal, takeUntil } from './reading.ts';

/** The longest head of a CONNECT request, in bytes: browsers send half a KiB. */
export const CONNECT_HEAD_MAX = 8192;

/** Every other failure lies on the way to the backend: the relay cannot be used (now). */
const STATUSES: Partial<Record<Code, Status>> = {
  'address-invalid': 400,
  'backend-not-allowed': 403,
  'backend-down': 502,
  timeout: 504,
};

/** Method, target and version. The fields that follow say nothing that a tunnel needs. */
const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]+) (\S+) HTTP\/1\.[01]$/;

/** How a request can begin. TLS and SOCKS begin in another way: people mistake one port for another. */
const METHOD_BEGINS = /^[A-Z]/i;

export async function httpConnect(client: net.Socket): Promise<Request> {
  const head = await takeUntil(client, '\r\n\r\n', CONNECT_HEAD_MAX, (head) => {
    if (!METHOD_BEGINS.test(head)) throw refusal(400, 'This is not an HTTP request.');
  });
  if (head === undefined) throw refusal(431, 'The head of the request is too long.');
  const [line = ''] = head.split('\r\n', 1);
  const [, method, target] = REQUEST_LINE.exec(line) ?? [];
  if (!method || !target) throw refusal(400, 'This is not an HTTP request.');
  if (method !== 'CONNECT') throw refusal(405, 'Only CONNECT is served here.');
  return {
    client,
    backend: target,
    answer: {
      granted: 'HTTP/1.1 200 Connection established\r\n\r\n',
      refused: ({ code, message }: PuenteError) => response(STATUSES[code] ?? 503, message),
    },
  };
}

function refusal(status: Status, message: string): Refusal {
  return new Refusal(message, response(status, message));
}
