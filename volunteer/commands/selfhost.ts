/** `npm run selfhost`: writes the relay for a volunteer's own server, without Cloudflare. */
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { RelayFolder } from '../../client/cli/relay-folder.ts';
import { parseLink } from '../../protocol/permits/link.ts';
import { type Access, accessOf } from '../../worker/config.ts';
import { notePublishedKey } from '../relay/keys.ts';
import { settleRelay } from '../relay/settle.ts';
import { ownLink } from '../relay/share.ts';
import { configFor } from '../relay/variables.ts';
import {
  CONTAINER_TLS,
  containerPort,
  ENVIRONMENT,
  FOLDER,
  memoryMax,
  STATE,
  type Tls,
  WORKERD,
} from '../selfhost/host-files.ts';
import { CADDYFILE, CHALLENGES, NGINX_CONF } from '../selfhost/proxy-files.ts';
import { checkFolder, type Hosting, selfhostFiles, workerdVersion, writeFolder } from '../selfhost/selfhost-folder.ts';
import { CERTIFICATE, PRIVATE_KEY } from '../selfhost/workerd-config.ts';

const help = (name: string) => `${name} HOST [OPTIONS]

Writes a folder with the relay for a server of your own, where it runs under plain workerd, and prints what to do there and the link to
share. Settings and key are those in the folder .relay, so links lead to it as soon as its HOST stands in them; where there are none yet,
it asks and makes them, as "npm run deploy" does.

  HOST             its address for users, such as roses.example.org
  --out FOLDER     where to write, default selfhost; only an empty folder, or one that this has written
  --cert FILE      a chain of certificates on the server, and
  --key FILE       its key: workerd speaks TLS by itself, as a private relay should not. Without them it waits on loopback for
                   a reverse proxy that does; configurations for Caddy and nginx are written
  --port N         where it listens; default 8080 on loopback, 443 on all addresses with --cert
  --allow NETWORK  lets it reach this network as well, such as 127.0.0.1/32, for a chat service beside it; usually only public addresses.
                   May be given several times
  --access WHO, --backends LIST
                   as for "npm run deploy"
  --yes            asks nothing, and takes what is usual
  --json           { "folder", "link", "files" }; asks nothing
  -h, --help       this text

Exit code: 0 when it is written, 1 when it cannot be, 2 when the command or a setting is not understood.
`;

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      out: { type: 'string', default: 'selfhost' },
      cert: { type: 'string' },
      key: { type: 'string' },
      port: { type: 'string' },
      allow: { type: 'string', multiple: true, default: [] },
      access: { type: 'string' },
      backends: { type: 'string' },
      yes: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return void process.stdout.write(help(name));
  const [host = '', ...more] = positionals;
  if (!host || more.length > 0) throw new Error(`Say at which address it will be: ${name} roses.example.org`);
  const { url } = parseLink(host);
  const hosting = hostingOf(new URL(url).host, values);
  checkFolder(values.out);
  const folder = new RelayFolder();
  const before = { settings: folder.readSettings(), secrets: folder.readSecrets() };
  // The region of the hubs is a question to Cloudflare only.
  const region = before.settings ? {} : { region: '' };
  const relay = await settleRelay(folder, { ...values, ...region }, values.yes || values.json);
  await configFor(relay);
  // Load wrangler only when needed: loading takes two seconds.
  const { bundle } = await import('../relay/bundle.ts');
  const files = selfhostFiles(relay, bundle('wrangler.toml'), hosting);
  await notePublishedKey(folder, relay);
  writeFolder(values.out, files);
  const { address, vars } = relay.settings;
  const access = accessOf(vars);
  const hasOldLinks = relay.secrets.RELAY_KEY === before.secrets?.RELAY_KEY;
  folder.updateSettings({ address: url });
  const link = await ownLink(folder, { ...relay, settings: { ...relay.settings, address: url } }, url);
  const made: Made = { folder: values.out, link, files: Object.keys(files) };
  process.stdout.write(
    values.json ? `${JSON.stringify(made)}\n` : explain(made, { url, before: address, hasOldLinks, access, hosting }),
  );
}

interface Wishes {
  cert?: string | undefined;
  key?: string | undefined;
  port?: string | undefined;
  allow: string[];
}

/** @throws Error for options that cannot be */
function hostingOf(host: string, { cert, key, port: digits, allow }: Wishes): Hosting {
  const tls = tlsOf(cert, key);
  const port = digits === undefined ? (tls ? 443 : 8080) : /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535) throw new Error(`--port: "${digits}" is not a number from 1 to 65535.`);
  const wrong = allow.find((network) => !isNetwork(network));
  if (wrong !== undefined) throw new Error(`--allow: "${wrong}" is no network, such as 127.0.0.1/32 or fd00::/8.`);
  return { host, port, tls, allow };
}

function tlsOf(cert: string | undefined, key: string | undefined): Tls | undefined {
  if (cert === undefined && key === undefined) return undefined;
  // The path must suit systemd: there a colon ends a name, and a percent sign begins one.
  const isPath = (path: string | undefined): path is string => /^\/[^\s:%"'\\]+$/.test(path ?? '');
  if (isPath(cert) && isPath(key)) return { cert, key };
  throw new Error(
    '--cert and --key go together: whole paths on the server, without spaces, such as /etc/tls/cert.pem.',
  );
}

function isNetwork(text: string): boolean {
  const [, address = '', bits = ''] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return bits !== '' && Number(bits) <= most;
}

interface Made {
  folder: string;
  link: string;
  files: string[];
}

interface Place {
  /** Where users find the relay. */
  url: string;
  /** Where users found the relay until now. */
  before: string | undefined;
  /** Whether the links that users had there are good. */
  hasOldLinks: boolean;
  access: Access;
  hosting: Hosting;
}

function explain({ folder, link, files }: Made, { url, before, hasOldLinks, access, hosting }: Place): string {
  const { hostname } = new URL(url);
  return `Written to ${folder}: ${files.filter((name) => !name.startsWith('.')).join(', ')}.
The relay's key is in ${ENVIRONMENT}, and nowhere else.

On a server with systemd (x86-64, glibc 2.35 or later, such as Debian 12), whose clock is set over the network:

  ssh root@${hostname} mkdir -p ${FOLDER}
  scp ${folder}/* root@${hostname}:${FOLDER}/
  ssh root@${hostname}
  curl -fsS ${tarball()} | tar -xz -C ${WORKERD.slice(0, WORKERD.lastIndexOf('/'))} --strip-components=2 package/bin/workerd
  systemctl enable ${FOLDER}/relay.service
  systemctl restart relay

Or with a container, in ${folder}:

  podman build --tag relay .
  podman run --detach --name relay --restart always --read-only --cap-drop all --log-driver none --memory ${memoryMax(access)}m --volume relay:${STATE} --env-file ${ENVIRONMENT} ${containerOptions(hosting)} relay

${proxy(hostname, hosting)}The link to share:

  ${link}

${hasOldLinks ? moved(url, before) : ''}Does it work? npm run doctor
`;
}

const tarball = (): string =>
  `https://registry.npmjs.org/@cloudflare/workerd-linux-64/-/workerd-linux-64-${workerdVersion()}.tgz`;

function containerOptions({ port, tls }: Hosting): string {
  const inside = containerPort(tls !== undefined);
  if (!tls) return `--publish 127.0.0.1:${port}:${inside}`;
  const mounts = [`${tls.cert}:${CONTAINER_TLS}/${CERTIFICATE}:ro`, `${tls.key}:${CONTAINER_TLS}/${PRIVATE_KEY}:ro`];
  return `--publish ${port}:${inside} ${mounts.map((mount) => `--volume ${mount}`).join(' ')}`;
}

function proxy(hostname: string, { tls }: Hosting): string {
  if (tls) return '';
  return `Before either stands a reverse proxy that speaks TLS and keeps no logs. With Caddy:

  apt-get install caddy
  cp ${FOLDER}/${CADDYFILE} /etc/caddy/Caddyfile
  systemctl restart caddy

Or with nginx:

  apt-get install nginx certbot
  certbot certonly --webroot --webroot-path ${CHALLENGES} --domain ${hostname} --deploy-hook 'systemctl reload nginx'
  cp ${FOLDER}/${NGINX_CONF} /etc/nginx/nginx.conf
  systemctl restart nginx

`;
}

/** Advice after a move: a person with an old link lacks only the new address. */
function moved(url: string, before: string | undefined): string {
  if (!before || before === url) return '';
  return `Links to ${before} work here, too, once ${url} stands in the place of that address: key and invites are the same.
Tell your users so, or put the new link into the list that their apps read. "npm run invite" and "npm run doctor" now mean
${url}; "npm run deploy" turns them back.

`;
}
