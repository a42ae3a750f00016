/** Which backends a client may reach, and the way there. */
import { connect } from 'cloudflare:sockets';
import { PuenteError } from '../protocol/errors.ts';
import { BACKEND_BUFFER, BACKEND_TIMEOUT, HOST_CHARS_MAX } from '../protocol/limits.ts';
import { invalid } from './env.ts';

/**
 * The backends of chat services, by name.
 *
 * whatsapp: where WhatsApp's own proxy forwards to (its HAProxy configuration and Helm chart,
 * https://github.com/WhatsApp/proxy): chat at g.whatsapp.net, media at whatsapp.net, the fallback of its chart.
 */
const PRESETS: Record<string, readonly string[]> = {
  whatsapp: [
    'g.whatsapp.net:5222',
    'g.whatsapp.net:443',
    'g.whatsapp.net:80',
    'g-fallback.whatsapp.net:5222',
    'g-fallback.whatsapp.net:443',
    'g-fallback.whatsapp.net:80',
    'whatsapp.net:443',
  ],
};

interface Entry {
  /** Lower case; for `*.suffix` the suffix with its leading dot. */
  host: string;
  anySubdomain: boolean;
  port: number;
}

export type BackendTable = readonly Entry[];

const CORRECT = 'BACKENDS = "whatsapp" or "chat.example.org:5223, *.example.net:443"';

/**
 * `BACKENDS`: presets, `host:port` and `*.suffix:port`, separated by commas or spaces.
 * @throws PuenteError `config-invalid`
 */
export function parseBackends(text: string): BackendTable {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) throw invalid('BACKENDS', 'is empty, so that no client could reach anything', CORRECT);
  return words.flatMap((word) => PRESETS[word] ?? [word]).map(parseEntry);
}

function parseEntry(word: string): Entry {
  const anySubdomain = word.startsWith('*.');
  const address = parseAddress(anySubdomain ? word.slice(2) : word);
  if (!address || (anySubdomain && !DOMAIN.test(address.host))) {
    const presets = Object.keys(PRESETS).join(', ');
    throw invalid('BACKENDS', `has "${word}", which is neither a preset (${presets}) nor host:port`, CORRECT);
  }
  return { host: anySubdomain ? `.${address.host}` : address.host, anySubdomain, port: address.port };
}

interface Address {
  host: string;
  port: number;
}

// Names of letters, digits, hyphens and inner dots (RFC 1123 section 2.1), or an IPv6 address in brackets. Nothing
// else can be written so: no credentials, no NUL, no trailing dot, no IDN but in its ASCII form.
const ADDRESS = /^((?!-)[a-z\d-]{1,63}(?<!-)(?:\.(?!-)[a-z\d-]{1,63}(?<!-))*|\[[\da-f:.]{2,45}\]):([1-9]\d{0,4})$/;

// What may stand behind `*.`: two labels at least, and a last one that no IPv4 address can end with.
const DOMAIN = /\.[a-z][a-z\d-]*$/;

function parseAddress(text: string): Address | undefined {
  const [, host, digits] = ADDRESS.exec(text.toLowerCase()) ?? [];
  const port = Number(digits);
  return host && host.length <= HOST_CHARS_MAX && port <= 65_535 ? { host, port } : undefined;
}

/**
 * The address to connect to, when the table allows it.
 * @throws PuenteError `backend-not-allowed`
 */
export function allowedAddress(table: BackendTable, backend: string): Address {
  const address = parseAddress(backend);
  const allowed = address && table.some((entry) => matches(entry, address));
  if (!allowed) throw new PuenteError('backend-not-allowed');
  return address;
}

function matches(entry: Entry, { host, port }: Address): boolean {
  if (entry.port !== port) return false;
  return entry.anySubdomain ? host.endsWith(entry.host) : host === entry.host;
}

/**
 * Opens a TCP connection, half-closable and with back-pressure.
 * @throws PuenteError `backend-down` when the name does not resolve, the backend refuses, or BACKEND_TIMEOUT passes.
 */
export async function openBackend({ host, port }: Address): Promise<Socket> {
  const options = { secureTransport: 'off', allowHalfOpen: true, highWaterMark: BACKEND_BUFFER };
  const socket = connect({ hostname: host, port }, options);
  // Told by reads and writes as well; unheard, it would count as an unhandled rejection.
  socket.closed.catch(() => {});
  let timer: number | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PuenteError('backend-down')), BACKEND_TIMEOUT);
  });
  try {
    await Promise.race([socket.opened, late]);
    return socket;
  } catch {
    socket.close().catch(() => {});
    throw new PuenteError('backend-down');
  } finally {
    clearTimeout(timer);
  }
}
