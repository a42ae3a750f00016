/** Calls Cloudflare's `wrangler`, and reads its answers. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../terminal/failure.ts';

export interface Outcome {
  ok: boolean;
  /** The standard output of a quiet call. */
  stdout: string;
  /**
   * The Worker's addresses after a deploy, as wrangler writes them: `https://name.sub.workers.dev`, `host (custom
   * domain)`.
   */
  targets: string[];
  /** Wrangler's own words for its failure. */
  problem: string;
}

export interface Call {
  /** The id of the account to work on. */
  account?: string | undefined;
  /** Wrangler's output is not shown, and wrangler cannot ask anything. */
  quiet?: boolean;
}

/** @throws Error when there is no wrangler */
export function wrangler(args: string[], { account, quiet = false }: Call = {}): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'puente-'));
  try {
    const report = join(folder, 'report');
    const { status, stdout, error } = spawnSync('wrangler', args, {
      stdio: quiet ? ['ignore', 'pipe', 'ignore'] : 'inherit',
      encoding: 'utf8',
      env: { ...environment(account), WRANGLER_OUTPUT_FILE_PATH: report },
    });
    if (error) throw new Error('There is no wrangler. In a clone of Puente: npm ci, then call this by "npm run".');
    return { ok: status === 0, stdout: stdout ?? '', ...readReport(report) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Leaves the keys out. They are in a file that only wrangler itself reads, so wrangler's child processes need not see a
 * key.
 */
function environment(account: string | undefined): NodeJS.ProcessEnv {
  const { RELAY_KEY, OLD_RELAY_KEY, ...rest } = process.env;
  return { ...rest, WRANGLER_SEND_METRICS: 'false', ...(account && { CLOUDFLARE_ACCOUNT_ID: account }) };
}

/** Reads a report: a line of JSON for each event. Cloudflare's own tools read wrangler in this way. */
function readReport(path: string): Pick<Outcome, 'targets' | 'problem'> {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  const entries = lines.map(
    (line) => JSON.parse(line) as { type: string; targets?: string[]; code?: unknown; message?: string },
  );
  const deployed = entries.find(({ type }) => type === 'deploy');
  const failed = entries.find(({ type }) => type === 'command-failed');
  const code = failed?.code === undefined ? '' : ` [code: ${failed.code}]`;
  return { targets: deployed?.targets ?? [], problem: failed ? `${failed.message}${code}` : '' };
}

/** Signs of what went wrong, and what to do. The first sign that fits counts. */
const NEXT_STEPS: readonly (readonly [RegExp, string])[] = [
  [
    /loggedIn":\s*false|CLOUDFLARE_API_TOKEN|log ?in|authenticat|code: (10000|9109|6003)/i,
    'Wrangler is not logged in to Cloudflare. Run: npx wrangler login. On a machine without a browser, make a token from the template ' +
      '"Edit Cloudflare Workers" in the dashboard, and put it into CLOUDFLARE_API_TOKEN.',
  ],
  [
    /fetch failed|resolve Cloudflare|ENOTFOUND|ECONN|ETIMEDOUT|network|timed? ?out/i,
    'Cloudflare cannot be reached from here. Is this network online, and does it let api.cloudflare.com through?',
  ],
  [
    /workers\.dev subdomain|onboarding|code: 10063/i,
    'The account has no workers.dev subdomain yet. Open Workers in the dashboard once, choose one that says nothing, and run this again.',
  ],
  [/code: 10034|verif/i, 'Cloudflare wants the account’s e-mail address verified first: follow the link in its mail.'],
];

/** The message for a person about a failed call: what to do, or wrangler's own words where no sign fits. */
export function failure({ problem }: Outcome): Failure {
  const [, next] = NEXT_STEPS.find(([sign]) => sign.test(problem)) ?? [];
  return new Failure(
    next ?? `Wrangler failed${problem ? `: ${problem}` : ''}. Nothing is lost: mend that, and run this again.`,
  );
}

export interface Account {
  id: string;
  name: string;
}

/**
 * The accounts that this machine is logged in for. On a terminal, logs in first where needed.
 * @throws Failure
 */
export function accounts(): Account[] {
  let who = wrangler(['whoami', '--json'], { quiet: true });
  if (!who.ok && who.problem.includes('"loggedIn":false') && process.stdin.isTTY) {
    wrangler(['login']);
    who = wrangler(['whoami', '--json'], { quiet: true });
  }
  if (!who.ok) throw failure(who);
  const { accounts } = JSON.parse(who.stdout) as { accounts?: Account[] };
  return accounts ?? [];
}

/**
 * Whether the account has a Worker of this name.
 * @throws Failure when wrangler cannot tell
 */
export function exists(name: string, account: string | undefined): boolean {
  const listed = wrangler(['secret', 'list', '--name', name], { account, quiet: true });
  const isMissing = listed.problem.startsWith(`Worker "${name}" not found`);
  if (!listed.ok && !isMissing) throw failure(listed);
  return listed.ok;
}
