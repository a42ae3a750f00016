/** The folder that `npm run selfhost` writes. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Secrets } from '../../client/cli/relay-folder.ts';
import { accessOf } from '../../worker/config.ts';
import type { Bundle } from '../relay/bundle.ts';
import { type Relay, variablesOf } from '../relay/variables.ts';
import { Failure } from '../terminal/failure.ts';
import { CONFIG, containerfile, ENVIRONMENT, STATE, systemdUnit, type Tls } from './host-files.ts';
import { deniedBeside } from './networks.ts';
import { CADDYFILE, caddyfile, NGINX_CONF, nginxConf } from './proxy-files.ts';
import { SCRIPT, type Socket, workerdConfig } from './workerd-config.ts';

/** The mark of a folder that may be written again. */
const MARK = '# Written by "npm run selfhost", and the next time written over.\n';

/** The names of a relay's secrets, also of the secrets that a relay has only at times. */
const SECRETS: readonly (keyof Secrets)[] = ['RELAY_KEY', 'OLD_RELAY_KEY', 'OLD_KEY_UNTIL'];

/** How the relay listens, and which networks it may reach. */
export interface Hosting {
  /** Where users find the relay, as in a URL: with its port where the port is not 443. */
  host: string;
  port: number;
  tls: Tls | undefined;
  /** Networks that are not public, such as `127.0.0.1/32`. */
  allow: readonly string[];
}

/** The files by their names. Only the environment file has a secret in it. */
export function selfhostFiles({ settings, secrets }: Relay, bundle: Bundle, hosting: Hosting): Record<string, string> {
  const { host, port, tls, allow } = hosting;
  const socket: Socket = tls
    ? { name: 'https', address: `*:${port}`, tls: true }
    : { name: 'http', address: `127.0.0.1:${port}`, tls: false };
  const proxied = { host, port };
  const readsBodies = Boolean(settings.vars.DECOY_URL);
  const config = workerdConfig({
    bundle,
    vars: variablesOf(settings),
    fromEnvironment: SECRETS,
    storage: STATE,
    allow: ['public', ...allow],
    deny: deniedBeside(allow),
    // On loopback the proxy sets the header. Where workerd itself faces the network, a client could set the header.
    dropped: tls ? ['CF-Connecting-IP'] : [],
    sockets: [socket],
  });
  return {
    [SCRIPT]: bundle.script,
    [CONFIG]: MARK + config,
    [ENVIRONMENT]: SECRETS.flatMap((name) => (secrets[name] ? [`${name}=${secrets[name]}\n`] : [])).join(''),
    'relay.service': systemdUnit(port, tls, accessOf(settings.vars)),
    Containerfile: containerfile(workerdVersion(), socket),
    ...(!tls && { [CADDYFILE]: caddyfile(proxied, readsBodies), [NGINX_CONF]: nginxConf(proxied) }),
    // The files of a build are sent to the builder, wherever the builder is.
    '.dockerignore': `${ENVIRONMENT}\n`,
  };
}

/** @throws Failure when the folder has something else in it */
export function checkFolder(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  const config = join(folder, CONFIG);
  if (existsSync(config) && readFileSync(config, 'utf8').startsWith(MARK)) return;
  throw new Failure(`${folder} has something else in it, and was left as it is. Name another folder: --out FOLDER`);
}

/**
 * Writes the files with modes that do not depend on the umask. The service's own user can read all files but the
 * environment, which is for its owner alone.
 */
export function writeFolder(folder: string, files: Record<string, string>): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    rmSync(path, { force: true });
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    if (name !== ENVIRONMENT) chmodSync(path, 0o644);
  }
}

/** The version of the npm package, under which the tests ran. */
export function workerdVersion(): string {
  return (createRequire(import.meta.url)('workerd') as { version: string }).version;
}
