/** The backends that a client may reach, and the first bytes that each backend expects from an app. */
import { PuenteError } from '../../protocol/errors.ts';
import { HOST_CHARS_MAX } from '../../protocol/limits.ts';
import type { Invite } from '../../protocol/permits/invite.ts';
import { invalid } from '../env.ts';
import type { Expectation } from './plaintext-check.ts';

/**
 * The backends of chat services, by name.
 *
 * whatsapp: the servers to which WhatsApp's own proxy forwards, by its HAProxy configuration and Helm chart
 * (https://github.com/WhatsApp/proxy). Chat is at g.whatsapp.net, media at whatsapp.net. The chart names the fallback.
 */
const PRESETS: Record<string, readonly string[]> = {
  whatsapp: [
    'whatsapp://g.whatsapp.net:5222',
    'whatsapp://g.whatsapp.net:443',
    'whatsapp://g.whatsapp.net:80',
    'whatsapp://g-fallback.whatsapp.net:5222',
    'whatsapp://g-fallback.whatsapp.net:443',
    'whatsapp://g-fallback.whatsapp.net:80',
    'whatsapp.net:443',
  ],
};

interface Entry {
  expects: Expectation;
  /** Lower case. For `*.suffix`: the suffix with its leading dot. */
  host: string;
  anySubdomain: boolean;
  port: number;
}

export type BackendTable = readonly Entry[];

const CORRECT = 'BACKENDS = "whatsapp" or "chat.example.org:5223, *.example.net:443"';

/**
 * Parses `BACKENDS`: presets, `host:port` and `*.suffix:port`, separated by commas or spaces. Before `host:port` and
 * `*.suffix:port`, a prefix may say how the apps begin: `tls://` (the default), `whatsapp://` or `any://`.
 * @throws PuenteError `config-invalid`
 */
export function parseBackends(text: string): BackendTable {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) throw invalid('BACKENDS', 'is empty, so that no client could reach anything', CORRECT);
  return words.flatMap((word) => PRESETS[word] ?? [word]).map(parseEntry);
}

const ENTRY = /^(?:(tls|whatsapp|any):\/\/)?(\*(?=\.))?(.*)$/s;

function parseEntry(word: string): Entry {
  const [, expects = 'tls', star, rest = ''] = ENTRY.exec(word) ?? [];
  const anySubdomain = star !== undefined;
  const address = parseAddress(anySubdomain ? rest.slice(1) : rest);
  if (!address || (anySubdomain && !DOMAIN.test(address.host))) {
    const presets = Object.keys(PRESETS).join(', ');
    throw invalid('BACKENDS', `has "${word}", which is neither a preset (${presets}) nor host:port`, CORRECT);
  }
  const host = anySubdomain ? `.${address.host}` : address.host;
  return { expects: expects as Expectation, host, anySubdomain, port: address.port };
}

interface Address {
  host: string;
  port: number;
}

/** A backend that the table allows. */
export interface Backend extends Address {
  expects: Expectation;
}

// A name of letters, digits, hyphens and inner dots (RFC 1123 section 2.1), or an IPv6 address in brackets.
// Everything else is excluded: credentials, NUL, a trailing dot, an IDN that is not in its ASCII form.
const ADDRESS = /^((?!-)[a-z\d-]{1,63}(?<!-)(?:\.(?!-)[a-z\d-]{1,63}(?<!-))*|\[[\da-f:.]{2,45}\]):([1-9]\d{0,4})$/;

// The part after `*.`: two labels at least. The last label must be one that no IPv4 address can end with.
const DOMAIN = /\.[a-z][a-z\d-]*$/;

function parseAddress(text: string): Address | undefined {
  const [, host, digits] = ADDRESS.exec(text.toLowerCase()) ?? [];
  const port = Number(digits);
  return host && host.length <= HOST_CHARS_MAX && port <= 65_535 ? { host, port } : undefined;
}

/**
 * Returns the backend to connect to, if the table allows this backend.
 * @throws PuenteError `backend-not-allowed`
 */
export function allowedBackend(table: BackendTable, name: string): Backend {
  const address = parseAddress(name);
  const entry = address && table.find((entry) => matches(entry, address));
  if (!entry) throw new PuenteError('backend-not-allowed');
  return { ...address, expects: entry.expects };
}

/**
 * Like `allowedBackend`, for an admitted client: its invite may allow only some of the relay's backends.
 * @throws PuenteError `backend-not-allowed`
 */
export function backendFor(name: string, table: BackendTable, invite?: Invite): Backend {
  if (invite?.backends) allowedBackend(tableOf(invite.backends), name);
  return allowedBackend(table, name);
}

/** A malformed backend list in an invite allows nothing. */
function tableOf(text: string): BackendTable {
  try {
    return parseBackends(text);
  } catch {
    return [];
  }
}

/** A backend that answers any client, in the form that a check takes. `undefined`: the table has no such backend. */
export function checkable(table: BackendTable): string | undefined {
  const entry = table.find(({ expects, anySubdomain }) => expects !== 'any' && !anySubdomain);
  return entry && `${entry.expects}://${entry.host}:${entry.port}`;
}

function matches(entry: Entry, { host, port }: Address): boolean {
  if (entry.port !== port) return false;
  return entry.anySubdomain ? host.endsWith(entry.host) : host === entry.host;
}
