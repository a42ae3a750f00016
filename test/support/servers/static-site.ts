/** A small website of files, as anybody would write it for Node. It knows nothing of a relay. */
import http from 'node:http';
import { type Listening, listen } from '../network/listen.ts';

interface File {
  type: string;
  body: string;
}

const FILES: Record<string, File> = {
  '/': { type: 'text/html; charset=utf-8', body: '<!doctype html><title>Garden</title><h1>A garden</h1>\n' },
  '/roses': {
    type: 'text/html; charset=utf-8',
    body: `<!doctype html><title>Roses</title>${'<p>A rose\n'.repeat(500)}`,
  },
  '/style.css': { type: 'text/css', body: 'body { color: green }\n' },
};

const TAG = '"a"';

/** With pages, a redirect and a page for what is not there. */
export function startStaticSite(): Promise<Listening> {
  return serve((request, response) => {
    const { pathname } = new URL(`http://site.example${request.url}`);
    if (pathname === '/old') return response.writeHead(301, { 'Content-Length': 0, Location: '/roses' }).end();
    if (pathname === '/error') return response.writeHead(500, { 'Content-Length': 3 }).end('ill');
    const file = FILES[pathname];
    if (!file)
      return response.writeHead(404, { 'Content-Length': 15, 'Content-Type': 'text/plain' }).end('No such flower\n');
    // In the order of the alphabet, as programs in Go write them, and workerd.
    const cached = { 'Cache-Control': 'max-age=600' };
    if (request.headers['if-none-match'] === TAG) return response.writeHead(304, { ...cached, ETag: TAG }).end();
    const content = { 'Content-Length': Buffer.byteLength(file.body), 'Content-Type': file.type };
    return response.writeHead(200, { ...cached, ...content, ETag: TAG }).end(file.body);
  });
}

/** With the one page that a freshly made Worker has. */
export function startOnePage(): Promise<Listening> {
  const body = 'Hello World!';
  const headers = { 'Content-Length': body.length, 'Content-Type': 'text/plain;charset=UTF-8' };
  return serve((_request, response) => {
    // Nor has that of a Worker, or of a PHP page: the proxy adds one.
    response.sendDate = false;
    response.writeHead(200, headers).end(body);
  });
}

function serve(answer: http.RequestListener): Promise<Listening> {
  const taken: http.RequestListener = (request, response) => {
    if (request.method === 'POST') request.resume().on('end', () => answer(request, response));
    else answer(request, response);
  };
  // Whoever waits for "100 Continue" gets it from the proxy.
  return listen(
    http.createServer({ insecureHTTPParser: true, maxHeaderSize: 65_536 }, taken).on('checkContinue', taken),
  );
}
