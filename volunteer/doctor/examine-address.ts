/** Finds out what a relay's address says to everybody who asks. */
import { publicKeyOf } from '../../client/cli/issue-invite.ts';
import type { Secrets, Settings } from '../../client/cli/relay-folder.ts';
import { findRelay } from '../../client/relays/resolve.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { HELLO_AGE_MAX } from '../../protocol/limits.ts';
import type { Finding } from './finding.ts';

/** Milliseconds. */
const TIMEOUT = 5000;

export async function examineAddress(settings: Settings & { address: string }, secrets: Secrets): Promise<Finding[]> {
  const { address } = settings;
  const page = await visit(address);
  if (!page)
    return [
      {
        about: 'address',
        ok: false,
        says: `Nothing answers at ${address} from here.`,
        fix: 'The last line says where it ends.',
      },
      { about: 'clock', ok: null, says: 'It could not be compared with the relay’s.' },
      { about: 'strangers', ok: null, says: 'What they see could not be found out.' },
    ];
  const reached = { about: 'address', ok: true, says: `${address} answers.` };
  return [reached, examineClock(page.date), await examineStrangers(settings, secrets, page)];
}

interface Page {
  status: number;
  text: string;
  /** The time by the host's clock. */
  date: string | null;
}

/** Visits the address as a stranger: no hello, no cookies, no redirects. */
async function visit(address: string): Promise<Page | undefined> {
  try {
    const response = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) });
    return { status: response.status, text: await response.text(), date: response.headers.get('Date') };
  } catch {
    return undefined;
  }
}

function examineClock(date: string | null): Finding {
  const about = 'clock';
  const off = Date.parse(date ?? '') - Date.now();
  if (Number.isNaN(off)) return { about, ok: null, says: 'The address does not say what time it is there.' };
  if (Math.abs(off) <= HELLO_AGE_MAX) return { about, ok: true, says: 'It goes with Cloudflare’s.' };
  const minutes = Math.round(Math.abs(off) / 60_000);
  const says = `This machine’s is ${minutes} minutes ${off > 0 ? 'behind' : 'ahead of'} Cloudflare’s.`;
  return { about, ok: false, says, fix: 'Set it, or have it set over the network: invites end by it.' };
}

async function examineStrangers(
  { address, vars, published: noted = [] }: Settings & { address: string },
  { RELAY_KEY, OLD_RELAY_KEY }: Secrets,
  page: Page,
): Promise<Finding> {
  const published = await publishedKey(address);
  const about = 'strangers';
  if (vars.ACCESS === 'open') {
    if (!published) return { about, ok: false, says: setupProblem(page), fix: 'npm run deploy' };
    if (published !== (await publicKeyOf(RELAY_KEY)))
      return { about, ok: false, says: 'They are given another key than this folder has.', fix: 'npm run deploy' };
    const says = 'They see a page that says it is a relay, as everybody does at an open one.';
    return { about, ok: null, says, fix: CLOSE };
  }
  if (!published) return decoyFinding(page);
  const says = 'They find an open relay: what is deployed is not what the folder says.';
  const ours = await Promise.all([RELAY_KEY, ...(OLD_RELAY_KEY ? [OLD_RELAY_KEY] : [])].map(publicKeyOf));
  // A deploy replaces a key that the folder knows to be published. This key was published without the folder's
  // knowledge.
  const isSecretly = ours.includes(published) && !noted.includes(published);
  return { about, ok: false, says, fix: isSecretly ? ROTATE : 'npm run deploy' };
}

const CLOSE =
  'To close it: npm run deploy -- --access invite. It gets a new key then, as this one is published, and all links end.';
const ROTATE =
  'npm run rotate -- --now, as it publishes this folder’s key, which must not serve a private relay. All links end.';

/** The key that the relay publishes, in base64url. */
async function publishedKey(address: string): Promise<string | undefined> {
  try {
    return toBase64url((await findRelay(address)).key);
  } catch (error) {
    if (error instanceof PuenteError) return undefined;
    throw error;
  }
}

/** The page of an open relay that cannot be used says why. */
function setupProblem({ status, text }: Page): string {
  const [, problem] = /<p>(.*?)<\/p>/s.exec(text) ?? [];
  return status === 503 && problem ? unescaped(problem) : `They find something that is no relay (status ${status}).`;
}

const unescaped = (html: string): string =>
  html.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&amp;', '&');

function decoyFinding({ status, text }: Page): Finding {
  const about = 'strangers';
  if (status >= 500)
    return {
      about,
      ok: false,
      says: `They get an error (${status}): the site of DECOY_URL does not answer.`,
      fix: 'Name another site.',
    };
  if (text === 'Hello World!')
    return {
      about,
      ok: true,
      says: 'They see "Hello World!", as of a Worker that was just made.',
      fix: 'A site of yours would convince more: docs/settings.md, "A private relay".',
    };
  const [, title] = /<title>\s*(.*?)\s*<\/title>/is.exec(text) ?? [];
  return { about, ok: true, says: `They see a site${title ? `: "${unescaped(title)}"` : ''} (status ${status}).` };
}
