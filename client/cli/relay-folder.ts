/** The folder `.relay`, which git ignores: all that a volunteer's machine knows of the relay that it deployed. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `settings.json`: everything that is no secret. */
export interface Settings {
  /** The Worker's name. */
  name: string;
  /** A host name that the volunteer owns, in a zone of the same account. */
  domain?: string;
  /** The id of the Cloudflare account, where the volunteer has several. */
  account?: string;
  /** Set before the first upload: from then on a Worker of this name is this relay. */
  claimed?: boolean;
  /** The relay's address, `https://host/path/`; known after the first deploy. */
  address?: string;
  /** The Worker's variables, by their names in docs/settings.md. */
  vars: Record<string, string>;
  invites: IssuedInvite[];
  /** Ids of invites that were taken back. */
  revoked: string[];
  /**
   * Public keys that this relay has published while it was open, kept for good. A private relay must use none of these
   * keys. A folder of an earlier version has no such list.
   */
  published?: string[];
}

/** The record of an invite: enough to take the invite back, and too little to use it. */
export interface IssuedInvite {
  id: string;
  /** The person whom the invite is for, in the volunteer's own words. */
  for: string;
  /** ISO 8601. */
  expires: string;
}

/** `secrets.json`, in the form that wrangler takes. It contains the day too, so that a rotation is one write. */
export interface Secrets {
  RELAY_KEY: string;
  OLD_RELAY_KEY?: string;
  OLD_KEY_UNTIL?: string;
}

const SETTINGS = 'settings.json';
const SECRETS = 'secrets.json';

export class RelayFolder {
  readonly #path: string;

  constructor(path = '.relay') {
    this.#path = path;
  }

  get secretsPath(): string {
    return join(this.#path, SECRETS);
  }

  /**
   * Nothing before the first deploy.
   * @throws Error when the file was damaged
   */
  readSettings(): Settings | undefined {
    const settings = this.#read(SETTINGS);
    if (settings === undefined || isSettings(settings)) return settings;
    throw this.#damaged(SETTINGS);
  }

  writeSettings(settings: Settings): void {
    this.#replace(SETTINGS, settings);
  }

  /** Changes some settings, and returns all settings after the change. */
  updateSettings(change: Partial<Settings>): Settings {
    const settings = this.readSettings();
    if (!settings) throw new Error(`There is no relay yet in this folder. Make one: npm run deploy`);
    const changed = { ...settings, ...change };
    this.writeSettings(changed);
    return changed;
  }

  /**
   * Nothing before the first deploy.
   * @throws Error when the file was damaged, or others on this machine can read it
   */
  readSecrets(): Secrets | undefined {
    const secrets = this.#read(SECRETS);
    if (secrets === undefined) return undefined;
    // Skip this on Windows, which has no such modes.
    if (process.platform !== 'win32' && statSync(this.secretsPath).mode & 0o077)
      throw new Error(`Others on this machine can read the relay’s key. Run: chmod 600 ${this.secretsPath}`);
    if (isSecrets(secrets)) return secrets;
    throw this.#damaged(SECRETS);
  }

  /** @throws Error when there are secrets already: a key that is overwritten is lost, and every link with it */
  createSecrets(secrets: Secrets): void {
    this.#create(SECRETS, secrets);
  }

  replaceSecrets(secrets: Secrets): void {
    this.#replace(SECRETS, secrets);
  }

  #read(file: string): unknown {
    const path = join(this.#path, file);
    if (!existsSync(path)) return undefined;
    try {
      return JSON.parse(readFileSync(path, 'utf8'));
    } catch {
      throw this.#damaged(file);
    }
  }

  #create(file: string, content: object): string {
    mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    const path = join(this.#path, file);
    writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
    return path;
  }

  /** Replaces the file in one step: after a read or a loss of power, the file is the old one or the new one. */
  #replace(file: string, content: object): void {
    const next = `${file}.next`;
    rmSync(join(this.#path, next), { force: true });
    renameSync(this.#create(next, content), join(this.#path, file));
  }

  #damaged(file: string): Error {
    return new Error(`${join(this.#path, file)} cannot be understood: correct it, or take back a copy of it.`);
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNone = (value: unknown): boolean => value === undefined || isText(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isSettings(value: unknown): value is Settings {
  if (!isObject(value) || !isText(value.name) || !isObject(value.vars)) return false;
  const { domain, account, address, vars, invites, revoked, published = [] } = value;
  return (
    [domain, account, address].every(isTextOrNone) &&
    Object.values(vars as object).every(isText) &&
    Array.isArray(invites) &&
    invites.every(isIssuedInvite) &&
    [revoked, published].every((list) => Array.isArray(list) && list.every(isText))
  );
}

function isIssuedInvite(value: unknown): value is IssuedInvite {
  return isObject(value) && isText(value.id) && isText(value.for) && !Number.isNaN(Date.parse(String(value.expires)));
}

function isSecrets(value: unknown): value is Secrets {
  if (!isObject(value) || !isText(value.RELAY_KEY)) return false;
  return [value.OLD_RELAY_KEY, value.OLD_KEY_UNTIL].every(isTextOrNone);
}
