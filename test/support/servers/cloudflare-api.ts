/** As much of Cloudflare's API as the real `wrangler deploy` asks for, with an account that has nothing in it. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a Worker was uploaded with, in its form's metadata. */
export interface Upload {
  bindings: { name: string; type: string; text?: string }[];
  keep_bindings?: string[];
  migrations?: { new_tag?: string };
}

export interface CloudflareApi {
  /** For `CLOUDFLARE_API_BASE_URL`. */
  url: string;
  /** By the Workers' names. */
  uploads: Map<string, Upload>;
  close(): Promise<void>;
}

export async function startCloudflareApi(): Promise<CloudflareApi> {
  const uploads = new Map<string, Upload>();
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://api');
    const body = await text(request);
    const [status, answer] = answerTo(request.method ?? '', pathname, body, uploads);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    uploads,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ACCOUNT = { id: 'a1', name: 'Only' };

/** Results by path; the first that fits. */
const RESULTS: [RegExp, unknown][] = [
  [/^\/user\/tokens\/verify$/, { id: 't1', status: 'active' }],
  [/^\/user$/, { id: 'u1', email: 'volunteer@example.org' }],
  [/^\/accounts$/, [ACCOUNT]],
  [/^\/memberships$/, [{ id: 'm1', account: ACCOUNT }]],
  [/\/workers\/workers\/[^/]+$/, { subdomain: { enabled: true, previews_enabled: false } }],
  [/\/scripts\/[^/]+\/subdomain$/, { enabled: true, previews_enabled: false }],
  [/\/workers\/subdomain$/, { subdomain: 'example' }],
];

function answerTo(method: string, path: string, body: string, uploads: Map<string, Upload>): [number, object] {
  const name = /\/(?:scripts|services)\/([^/]+)/.exec(path)?.[1] ?? '';
  const uploaded = method === 'PUT' && path.endsWith(`/scripts/${name}`);
  if (uploaded) uploads.set(name, metadataOf(body));
  const [, result] = RESULTS.find(([pattern]) => pattern.test(path)) ?? [];
  if (name && !uploads.has(name)) {
    const errors = [{ code: 10007, message: 'This Worker does not exist on your account.' }];
    return [404, { success: false, errors, messages: [], result: null }];
  }
  const found = uploaded ? { id: name, deployment_id: 'd1', startup_time_ms: 5 } : (result ?? []);
  return [200, { success: true, errors: [], messages: [], result: found, result_info: { page: 1, total_pages: 1 } }];
}

function metadataOf(form: string): Upload {
  const [, metadata = '{}'] = /name="metadata"\r\n\r\n(.*?)\r\n--/s.exec(form) ?? [];
  return JSON.parse(metadata) as Upload;
}
