/** Caddy and nginx as Debian has them, before a server on loopback. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../fixtures/certificate.ts';
import { findProgram } from '../program.ts';
import { type Daemon, startDaemon } from './daemon.ts';

export type ProxyName = 'caddy' | 'nginx';

interface Place {
  /** On loopback. */
  port: number;
  /** Has `cert.pem` and `key.pem`. */
  folder: string;
}

const ARGUMENTS: Record<ProxyName, (file: string) => string[]> = {
  caddy: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  nginx: (file) => ['-c', file, '-e', 'stderr', '-g', 'daemon off;'],
};

export async function startProxy(
  proxy: ProxyName,
  configuration: (place: Place) => string,
  { cert, key }: Certificate,
): Promise<Daemon> {
  const program = findProgram(proxy);
  if (!program) throw new Error(`${proxy} is not installed: apt-get install ${proxy}`);
  return startDaemon(program, (folder, port) => {
    // The workers of nginx are another user's.
    chmodSync(folder, 0o711);
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 });
    const file = join(folder, 'proxy.conf');
    writeFileSync(file, configuration({ port, folder }));
    return ARGUMENTS[proxy](file);
  });
}

// --- what `npm run selfhost` has written -------------------------------------------------------------------------

/** A text, and what stands in its place on this machine. */
type Change = readonly [from: string, to: string];

/**
 * The same on ports of loopback, for the host `site.example` and workerd's usual port.
 * @param speaks over TLS it answers to `localhost`, otherwise to any host; or what nginx has at port 80
 */
export function written(proxy: ProxyName, text: string, behind: number, speaks: 'http' | 'https' | 'port 80' = 'http') {
  return (place: Place): string => {
    const changes = { caddy: caddyChanges, nginx: nginxChanges }[proxy](place, speaks);
    return [...changes, ['127.0.0.1:8080', `127.0.0.1:${behind}`] as const].reduce(replaced, text);
  };
}

function caddyChanges({ port, folder }: Place, speaks: string): Change[] {
  if (speaks === 'http') return [['site.example {\n', `http://:${port} {\n\tbind 127.0.0.1\n`]];
  const tls = `\ttls ${folder}/cert.pem ${folder}/key.pem\n`;
  return [
    ['admin off\n', 'admin off\n\tauto_https disable_redirects\n'],
    ['site.example {\n', `localhost:${port} {\n\tbind 127.0.0.1\n${tls}`],
  ];
}

function nginxChanges({ port, folder }: Place, speaks: string): Change[] {
  const here = `listen 127.0.0.1:${port}`;
  const elsewhere = `listen unix:${folder}/socket`;
  const [at80, at443] = speaks === 'port 80' ? [here, elsewhere] : [elsewhere, here];
  return [
    ['/run/nginx.pid', `${folder}/nginx.pid`],
    ['http {\n', `http {\n    client_body_temp_path ${folder}/bodies;\n    proxy_temp_path ${folder}/answers;\n`],
    ['listen 80;', `${at80};`],
    ['listen [::]:80;', ''],
    ['/var/www/html', folder],
    ['listen 443 ssl http2;', `${at443}${speaks === 'https' ? ' ssl http2' : ''};`],
    ['listen [::]:443 ssl http2;', ''],
    ['/etc/letsencrypt/live/site.example/fullchain.pem', `${folder}/cert.pem`],
    ['/etc/letsencrypt/live/site.example/privkey.pem', `${folder}/key.pem`],
  ];
}

function replaced(text: string, [from, to]: Change): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`"${from}" stands ${parts.length - 1} times in the configuration.`);
  return parts.join(to);
}

// --- ordinary configurations, as people write them for a website behind a proxy ----------------------------------

export function ordinary(proxy: ProxyName, behind: number) {
  return (place: Place): string => ({ caddy: ordinaryCaddy, nginx: ordinaryNginx })[proxy](place, behind);
}

const ordinaryCaddy = ({ port }: Place, behind: number): string => `
{
	admin off
	servers {
		max_header_size 16KB
	}
}
http://:${port} {
	bind 127.0.0.1
	@unwanted not method GET HEAD POST
	error @unwanted 405
	@large header_regexp Content-Length ^\\d{5,}$
	error @large 413
	reverse_proxy 127.0.0.1:${behind} {
		@broken status 400 5xx
		handle_response @broken {
			error "" {rp.status_code}
		}
	}
}
`;

const ordinaryNginx = ({ port, folder }: Place, behind: number): string => `
user www-data;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/bodies;
  proxy_temp_path ${folder}/answers;
  server {
    listen 127.0.0.1:${port};
    server_name site.example;
    client_max_body_size 10k;
    if ($request_method !~ "^(GET|HEAD|POST)$") {
      return 405;
    }
    location / {
      rewrite ^ $uri break;
      proxy_pass http://127.0.0.1:${behind};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
      proxy_intercept_errors on;
      error_page 400 = /bad;
      error_page 500 501 502 503 504 = /broken;
    }
    location = /bad {
      internal;
      return 400;
    }
    location = /broken {
      internal;
      return 502;
    }
  }
}
`;
