/** Finds out whether a Worker can reach the chat services that the relay is for. */
import { lookup } from 'node:dns/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { BackendTable } from '../../worker/admission/backends.ts';
import { isCloudflares } from './cloudflare-ranges.ts';
import type { Finding } from './finding.ts';

/** Milliseconds. */
const TIMEOUT = 5000;

/** A finding for each host. */
export function examineBackends(backends: BackendTable): Promise<Finding[]> {
  const hosts = new Set(backends.map(({ host, anySubdomain }) => (anySubdomain ? `*${host}` : host)));
  return Promise.all(Array.from(hosts, examineBackend));
}

async function examineBackend(host: string): Promise<Finding> {
  const about = `backend ${host}`;
  if (host.startsWith('*')) return { about, ok: null, says: 'It stands for many names, which cannot be looked up.' };
  const addresses = await addressesOf(host.replace(/^\[|\]$/g, ''));
  if (!addresses) return { about, ok: null, says: 'It could not be looked up: there was no answer.' };
  if (addresses.length === 0)
    return {
      about,
      ok: false,
      says: 'It has no address that this machine can find.',
      fix: 'Is it spelled right, and is this machine online?',
    };
  const refused = addresses.find(isCloudflares);
  if (refused)
    return {
      about,
      ok: false,
      says: `${refused} is Cloudflare’s, and Workers do not connect there.`,
      fix: 'Use an address of the service that is not behind Cloudflare, or run the relay elsewhere.',
    };
  return { about, ok: true, says: `It has an address (${addresses[0]}), not one of Cloudflare’s.` };
}

/** The host's addresses; empty for a name that has no address, `undefined` where there is no answer. */
async function addressesOf(host: string): Promise<string[] | undefined> {
  const late = new AbortController();
  try {
    const found = lookup(host, { all: true });
    found.catch(() => {});
    const entries = await Promise.race([found, wait(TIMEOUT, undefined, { signal: late.signal })]);
    return entries?.map(({ address }) => address);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTFOUND' ? [] : undefined;
  } finally {
    late.abort();
  }
}
