/** HTTP answers to clients that the gateway does not serve: a status, and a sentence for the person who reads it. */

const REASONS = {
  400: 'Bad Request',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const;

export type Status = keyof typeof REASONS;

export function response(status: Status, message: string): string {
  const body = `${message}\n`;
  const fields = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    ...(status === 405 ? ['Allow: CONNECT'] : []),
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${fields.join('\r\n')}\r\n\r\n${body}`;
}
