/** Lists of relays as their providers write them: one link or host a line, or JSON that may have a message. */
import { PuenteError } from '../../protocol/errors.ts';
import { DISCOVERY_MAX, MESSAGE_CHARS_MAX, RELAYS_MAX } from '../../protocol/limits.ts';
import { isLoopback, parseLink } from '../../protocol/permits/link.ts';
import { fetchText } from './fetch-text.ts';

export interface RelayList {
  /** Links and bare addresses, as they stand in the list; at least one. Give them to `Relays`. */
  relays: string[];
  /**
   * Plain text for the app's user, in the provider's words. It may hold line breaks, but no other control characters.
   */
  message?: string;
  /** Entries that are neither links nor addresses. Their text is not repeated: it may hold an invite. */
  skipped: SkippedEntry[];
}

export interface SkippedEntry {
  /** The number of the entry's line, or in JSON of the entry itself; counted from 1. */
  number: number;
  error: PuenteError;
}

/** The content of a list before any check. */
interface Written {
  entries: { number: number; entry: unknown }[];
  message?: unknown;
}

/**
 * Reads a list. It may be text with one link or host a line; blank lines and lines that begin with `#` are ignored. Or
 * it may be JSON, `{ "relays": ["https://…", …], "message": "…" }`. No more than RELAYS_MAX entries are read.
 *
 * @throws PuenteError `link-invalid`: not a list, longer than DISCOVERY_MAX characters, or no relay in it
 */
export function parseRelayList(text: string): RelayList {
  if (text.length > DISCOVERY_MAX) throw new PuenteError('link-invalid', 'list-too-long');
  const { entries, message } = /^\s*\{/.test(text) ? fromJson(text) : fromLines(text);
  const list: RelayList = { relays: [], skipped: [] };
  for (const { number, entry } of entries.slice(0, RELAYS_MAX)) {
    const error = faultOf(entry);
    if (error) list.skipped.push({ number, error });
    else list.relays.push(String(entry).trim());
  }
  if (list.relays.length === 0) throw new PuenteError('link-invalid', 'list-empty');
  const shown = typeof message === 'string' ? plain(message) : '';
  return shown ? { ...list, message: shown } : list;
}

/**
 * Fetches a list and reads it: see {@link parseRelayList}. Redirects are not followed. The request reveals nothing
 * about who asks.
 *
 * @param url `https:`, or `http:` on loopback
 * @throws PuenteError `link-invalid`, `unreachable`
 */
export async function fetchRelayList(url: string): Promise<RelayList> {
  if (!URL.canParse(url)) throw new PuenteError('link-invalid', 'not-a-url');
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
    throw new PuenteError('link-invalid', 'not-https');
  const text = await fetchText(url);
  if (!text) throw new PuenteError('link-invalid', 'not-a-list');
  return parseRelayList(text);
}

function fromLines(text: string): Written {
  const lines = text.split(/\r\n|\r|\n/).map((line, index) => ({ number: index + 1, entry: line.trim() }));
  return { entries: lines.filter(({ entry }) => entry !== '' && !entry.startsWith('#')) };
}

function fromJson(text: string): Written {
  const { relays, message } = parsed(text);
  if (!Array.isArray(relays)) throw new PuenteError('link-invalid', 'not-a-list');
  return { entries: relays.map((entry, index) => ({ number: index + 1, entry })), message };
}

function parsed(text: string): { relays?: unknown; message?: unknown } {
  try {
    return JSON.parse(text.trim());
  } catch {
    throw new PuenteError('link-invalid', 'not-a-list');
  }
}

function faultOf(entry: unknown): PuenteError | undefined {
  if (typeof entry !== 'string') return new PuenteError('link-invalid', 'not-a-url');
  try {
    parseLink(entry);
    return undefined;
  } catch (error) {
    if (error instanceof PuenteError) return error;
    throw error;
  }
}

/**
 * Keeps line breaks. Removes all other control characters, and characters that turn the direction of the text after
 * them: these can only be there to deceive.
 */
function plain(message: string): string {
  const text = message.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, '');
  return Array.from(text.trim()).slice(0, MESSAGE_CHARS_MAX).join('');
}
