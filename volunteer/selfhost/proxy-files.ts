/**
 * The reverse proxy before a workerd that listens on loopback: whole configurations for Caddy and for nginx.
 *
 * - Nobody can tell that workerd is behind the proxy. Workerd has words of its own for unknown methods and malformed
 *   requests. So only GET, HEAD and POST reach workerd, in a form that it takes, and its errors are replaced.
 * - The proxy tells the relay where a client is, in CF-Connecting-IP, whatever the client sent.
 * - Neither proxy logs anything.
 *
 * `test/e2e/proxied.test.ts` compares each with an ordinary website behind the same proxy.
 */

export const CADDYFILE = 'Caddyfile';
export const NGINX_CONF = 'nginx.conf';

/** The folder of the site that Debian's nginx begins with. There certbot proves who holds the name. */
export const CHALLENGES = '/var/www/html';

/** The relay, as its proxy sees it. */
export interface Proxied {
  /** The host as in a URL: with its port where the port is not 443. */
  host: string;
  /** The port of workerd, on loopback. */
  port: number;
}

/**
 * The configuration for Caddy 2.6, the version of Debian 12, or later. Caddy gets the certificate by itself.
 * @param readsBodies whether the relay passes bodies on to a site; otherwise nobody reads them
 */
export function caddyfile({ host, port }: Proxied, readsBodies: boolean): string {
  const bodies = readsBodies
    ? `# Caddy answers it. Workerd might answer once more.
		header_up -Expect`
    : `# Workerd answers without reading a body, and hangs up. Send none that workerd does not ask for.
		header_up Expect 100-continue
		transport http {
			expect_continue_timeout 1m
		}`;
  return `{
	admin off
	log {
		output discard
	}
	servers {
		max_header_size 16KB
	}
}

${host} {
	@other not method GET HEAD POST
	error @other 405
	@long header_regexp Content-Length ^\\d{5,}$
	error @long 413
	# Workerd refuses a query with these characters.
	@odd expression \`{query}.matches("[\\"<>]")\`
	uri @odd replace \`"\` %22
	uri @odd replace < %3C
	uri @odd replace > %3E
	reverse_proxy 127.0.0.1:${port} {
		# Replace what the client says.
		header_up Host ${host}
		header_up CF-Connecting-IP {remote_host}
		${bodies}
		@failed status 400 431 5xx
		handle_response @failed {
			error "" {rp.status_code}
		}
	}
}
`;
}

/** The configuration for nginx 1.22, the version of Debian 12, or later. Certbot gets the certificate. */
export function nginxConf({ host, port }: Proxied): string {
  const { hostname, port: ownPort } = new URL(`https://${host}`);
  const listen = ownPort || '443';
  return `user www-data;
pid /run/nginx.pid;
worker_processes auto;
# Two for each session: the client's connection, and the one to workerd.
worker_rlimit_nofile 8192;
error_log /dev/null crit;

events {
    worker_connections 4096;
}

http {
    access_log off;

    map $http_upgrade $upgrade_header {
        ~*^websocket$ websocket;
        default "";
    }
    map $upgrade_header $connection_header {
        websocket upgrade;
        default "";
    }

    server {
        listen 80;
        listen [::]:80;
        server_name ${hostname};
        location / {
            return 301 https://${host}$request_uri;
        }
        location /.well-known/acme-challenge/ {
            root ${CHALLENGES};
        }
    }

    server {
        listen ${listen} ssl http2;
        listen [::]:${listen} ssl http2;
        server_name ${hostname};
        ssl_certificate /etc/letsencrypt/live/${hostname}/fullchain.pem;
        ssl_certificate_key /etc/letsencrypt/live/${hostname}/privkey.pem;
        ssl_protocols TLSv1.2 TLSv1.3;

        if ($request_method !~ ^(GET|HEAD|POST)$) {
            return 405;
        }
        # Workerd refuses a query with these characters. Drop it.
        if ($args ~ '["<>]') {
            set $args "";
        }
        # Workerd answers before it has read a body, and hangs up: a longer one could end in an error.
        client_max_body_size 10k;

        location / {
            # Escape what no path may hold.
            rewrite ^ $uri break;
            proxy_pass http://127.0.0.1:${port};
            proxy_http_version 1.1;
            # The relay says something every 30 s on each connection, at least, until it has given its client up. Workerd would hold that
            # connection, and what came of a message on it, for as long as the client likes.
            proxy_read_timeout 60s;
            proxy_set_header Upgrade $upgrade_header;
            proxy_set_header Connection $connection_header;
            # Replace what the client says.
            proxy_set_header Host ${host};
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header CF-Connecting-IP $remote_addr;

            proxy_intercept_errors on;
            error_page 400 431 = @refused;
            error_page 500 501 502 503 504 = @failed;
        }
        location @refused {
            return 400;
        }
        location @failed {
            return 502;
        }
    }
}
`;
}
