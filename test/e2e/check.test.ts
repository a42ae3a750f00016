/** The check, against everything that can be wrong on the way: each failure is made by a relay, a network or a backend that has it. */
import https from 'node:https';
import net, { type LookupFunction } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { check as checkInBrowser } from '../../client/index.ts';
import { nodeCipher } from '../../client/node/cipher.ts';
import { check, dialer, type NodeCheckOptions, type RelayReport } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import type { Bundle } from '../../volunteer/relay/bundle.ts';
import { type Chain, makeChain } from '../lab/certificate.ts';
import type { Fault } from '../lab/connection.ts';
import { cutAfter, filterNames, freezeAfter } from '../lab/faults.ts';
import { startMiddlebox } from '../lab/middlebox.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { PrivateRelay } from '../support/fixtures/private-relay.ts';
import { type Listening, listen } from '../support/network/listen.ts';
import { random } from '../support/network/raw-client.ts';
import { startSilentBackend } from '../support/servers/backend.ts';
import { type BrokenRelay, type Misdeed, refuse, startBrokenRelay } from '../support/servers/broken-relay.ts';
import { startRelay } from '../support/servers/harness-relay.ts';
import { serve, type Workerd } from '../support/servers/workerd.ts';

const KEY = random(32);
const OTHER_KEY = random(32);

/** The relay's certificate; the one of whoever stands in its way is another. */
let chain: Chain;
let worker: Bundle;
let relay: Workerd;
/** A relay for those with an invite. */
let invited: Workerd;
let settings: PrivateRelay;

/** Backends: a TLS server, one that never answers, one that does not speak TLS, one that hangs up, one that speaks as WhatsApp's do. */
let secureServer: tls.Server;
let secure: Listening;
let mute: Listening;
let strange: Listening;
let rude: Listening;
let whatsapp: Listening;

let toClose: (() => Promise<unknown> | unknown)[] = [];

beforeAll(async () => {
  chain = await makeChain();
  tls.setDefaultCACertificates([...tls.getCACertificates(), chain.ca]);
  secureServer = tls.createServer(await makeCertificate()).on('tlsClientError', () => {});
  secure = await listen(secureServer);
  mute = await listen(net.createServer((socket) => socket.on('error', () => {}).resume()));
  strange = await listen(
    net.createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  rude = await listen(net.createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end())));
  whatsapp = await listen(
    net.createServer((socket) => socket.on('error', () => {}).on('data', whatsappAnswer(socket))),
  );
  const tlsPorts = [secure, mute, strange, rude].map(({ port }) => `localhost:${port}`);
  const BACKENDS = [...tlsPorts, `whatsapp://localhost:${whatsapp.port}`, 'localhost:1'].join(' ');
  worker = inject('worker');
  relay = await serve(worker, { RELAY_KEY: toBase64url(KEY), BACKENDS }, chain);
  settings = new PrivateRelay(`localhost:${secure.port}`, BACKENDS);
  invited = await serve(worker, settings.vars, chain);
});

afterAll(async () => {
  await relay.stop();
  await invited.stop();
  for (const backend of [secure, mute, strange, rude, whatsapp]) await backend.close();
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of toClose) await close();
  toClose = [];
});

/** Answers a first flight of WhatsApp's as its servers do: `serverHello`, in a frame with three bytes of length. */
function whatsappAnswer(socket: net.Socket): (flight: Buffer) => void {
  return (flight) => {
    const isHello =
      flight.subarray(0, 3).equals(Buffer.from('WA\x06')) && flight.readUIntBE(4, 3) === flight.length - 7;
    if (isHello && flight[7] === 0x12) socket.write(Buffer.concat([Buffer.of(0, 0, 34, 0x1a, 32), random(32)]));
    else socket.destroy();
  };
}

const keyOf = (secret = KEY) => nodeCipher.publicKey(secret);

async function link(port = relay.tlsPort, secret = KEY): Promise<string> {
  return formatLink({ url: `https://localhost:${port}/`, key: await keyOf(secret) });
}

async function throughMiddlebox(faults: Fault[]): Promise<string> {
  const middlebox = await startMiddlebox(relay.tlsPort, faults);
  toClose.push(() => middlebox.close());
  return link(middlebox.port);
}

async function serving(server: net.Server): Promise<number> {
  const { port, close } = await listen(server);
  toClose.push(close);
  return port;
}

async function broken(misdeed: Misdeed): Promise<BrokenRelay> {
  const made = await startBrokenRelay(chain, misdeed);
  toClose.push(made.close);
  return made;
}

/** The report on one relay, with the TLS server as the backend. */
async function reportOn(address: string, options: NodeCheckOptions = {}): Promise<RelayReport> {
  const { relays } = await check(address, { backend: `localhost:${secure.port}`, ...options });
  expect(relays).toHaveLength(1);
  return relays[0] as RelayReport;
}

/** Its code, and the stage that failed, which is the last. */
function where({ ok, code, stages }: RelayReport): [string | null, string | undefined] {
  expect(ok).toBe(false);
  expect(stages.slice(0, -1).every((stage) => stage.ok)).toBe(true);
  const last = stages.at(-1);
  expect(last?.ok ?? false).toBe(false);
  return [code, last?.stage];
}

const OF_THE_RELAY = ['dns', 'tcp', 'tls', 'upgrade', 'hello', 'grant', 'bulk'];
const ALL = ['dns', 'tcp', 'tls', 'upgrade', 'hello', 'grant', 'backend', 'answer', 'bulk'];

describe('a relay that works', () => {
  it('passes every stage, given as a link', async () => {
    const told: string[] = [];
    const onStage: NodeCheckOptions['onStage'] = (relay, { stage, ok }) => told.push(`${relay} ${stage} ${ok}`);
    const report = await reportOn(await link(), { onStage });
    const origin = `https://localhost:${relay.tlsPort}/`;
    expect(report).toMatchObject({ relay: origin, ok: true, code: null, next: null, message: 'It works.' });
    expect(report.stages.map(({ stage }) => stage)).toEqual(ALL);
    for (const { ok, ms } of report.stages) expect([ok, Number.isInteger(ms) && ms >= 0]).toEqual([true, true]);
    expect(told).toEqual(ALL.map((stage) => `${origin} ${stage} true`));
  });

  it('given as a bare address', async () => {
    const report = await reportOn(`http://localhost:${relay.port}`);
    expect(report).toMatchObject({ ok: true, code: null });
    expect(report.stages.map(({ stage }) => stage)).toEqual(ALL.filter((stage) => stage !== 'tls'));
  });

  it('and needs an invite', async () => {
    const origin = `https://localhost:${invited.tlsPort}/`;
    const good = formatLink({ url: origin, key: await settings.key(), invite: await settings.invite() });
    const report = await reportOn(good);
    expect(report).toMatchObject({ relay: origin, ok: true, code: null });
    expect(JSON.stringify(report)).not.toContain(good.split('i=')[1]);
  });

  it('and whose backends are left alone', async () => {
    const report = await reportOn(await link(), { backend: null });
    expect(report).toMatchObject({ ok: true, code: null });
    expect(report.stages.map(({ stage }) => stage)).toEqual(OF_THE_RELAY);
  });

  it("leads to WhatsApp's servers", async () => {
    expect(await reportOn(await link(), { backend: `whatsapp://localhost:${whatsapp.port}` })).toMatchObject({
      ok: true,
    });
  });

  it('leaves nothing open', async () => {
    const open = () => new Promise<number>((resolve) => secureServer.getConnections((_, count) => resolve(count)));
    await reportOn(await link());
    await vi.waitFor(async () => expect(await open()).toBe(0), 5000);
  });
});

describe('a relay out of reach', () => {
  it('whose name does not resolve', async () => {
    const report = await reportOn(formatLink({ url: 'https://relay.invalid/', key: random(32) }));
    expect(where(report)).toEqual(['name-unknown', 'dns']);
    expect(report).toMatchObject({ relay: 'https://relay.invalid/', next: expect.stringContaining('another address') });
  });

  it.each([
    ['answers with TLS', 'tls', async () => serving(https.createServer(await makeCertificate()))],
    ['refuses', 'tcp', async () => 1],
  ])('whose name is forged, to an address that %s', async (_, stage, start) => {
    const forged: LookupFunction = (_name, { all }, done) =>
      all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    const address = formatLink({ url: `https://relay.example:${await start()}/`, key: await keyOf() });
    const report = await reportOn(address, { dial: dialer({ lookup: forged, doh: [] }) });
    expect(where(report)).toEqual(['name-forged', stage]);
    expect(report.stages[0]).toMatchObject({ stage: 'dns', ok: true });
  });

  it('whose address refuses', async () => {
    expect(where(await reportOn(await link(1)))).toEqual(['refused', 'tcp']);
    const numeric = formatLink({ url: 'https://127.0.0.1:1/', key: await keyOf() });
    expect(where(await reportOn(numeric))).toEqual(['refused', 'tcp']);
  });

  it('whose name is filtered', async () => {
    const report = await reportOn(await throughMiddlebox([filterNames(['localhost'], 'rst')]));
    expect(where(report)).toEqual(['name-blocked', 'tls']);
    expect(report.next).toMatch(/blocked on this network: try another address/);
  });

  it('whose certificate is not trusted', async () => {
    const port = await serving(
      https.createServer(await makeCertificate(), () => expect.unreachable('sent it a request')),
    );
    expect(where(await reportOn(await link(port)))).toEqual(['not-trusted', 'tls']);
    // A bare address is asked over HTTPS first; where that fails is found all the same.
    expect(where(await reportOn(`localhost:${port}`))).toEqual(['not-trusted', 'tls']);
  });

  it('is one code in a browser, from the name to the hello', async () => {
    for (const address of [
      await link(1),
      formatLink({ url: 'https://relay.invalid/', key: random(32) }),
      'relay.invalid',
    ]) {
      const { relays } = await checkInBrowser(address, { backend: `localhost:${secure.port}` });
      expect(where(relays[0] as RelayReport)).toEqual(['unreachable', 'hello']);
    }
  });
});

describe('a host that does not admit', () => {
  it('because it is no relay', async () => {
    const port = await serving(https.createServer(chain, (_request, response) => response.end('Hello World!')));
    expect(where(await reportOn(await link(port)))).toEqual(['not-a-relay', 'hello']);
    const bare = await reportOn(`localhost:${port}`);
    expect([bare.ok, bare.code]).toEqual([false, 'no-key']);
  });

  it('because the key is another', async () => {
    expect(where(await reportOn(await link(relay.tlsPort, OTHER_KEY)))).toEqual(['wrong-key', 'hello']);
  });

  it('because the invite is out of date', async () => {
    const invite = await settings.invite({ expires: Date.now() - 60_000 });
    const old = formatLink({ url: `https://localhost:${invited.tlsPort}/`, key: await settings.key(), invite });
    expect(where(await reportOn(old))).toEqual(['link-expired', 'hello']);
  });

  it('and does not say why: a private relay, with an invite that it has not signed', async () => {
    const invite = await settings.invite({}, OTHER_KEY);
    const forged = formatLink({ url: `https://localhost:${invited.tlsPort}/`, key: await settings.key(), invite });
    expect(where(await reportOn(forged))).toEqual(['not-admitted', 'hello']);
  });

  it('because its account has used up its day', async () => {
    const port = await serving(https.createServer(chain, (_request, response) => response.writeHead(429).end()));
    expect(where(await reportOn(await link(port)))).toEqual(['over-quota', 'hello']);
  });
});

describe('a wrong clock', () => {
  const HOUR = 3_600_000;
  const setBack = (hours: number) => {
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() - hours * HOUR);
  };

  /** The edge dates its answers; workerd does not, so this front does. */
  const dated = (upstreamPort: number): Promise<number> =>
    serving(
      tls.createServer(chain, (client) => {
        const upstream = net.connect(upstreamPort, '127.0.0.1').on('error', () => client.destroy());
        client.on('error', () => upstream.destroy()).pipe(upstream);
        upstream.once('data', (head: Buffer) => {
          const answer = head.toString('latin1').replace('\r\n', `\r\nDate: ${new Date().toUTCString()}\r\n`);
          client.write(answer, 'latin1');
          upstream.pipe(client);
        });
      }),
    );

  it('keeps out of an open relay that does not tell the time', async () => {
    setBack(1);
    expect(where(await reportOn(await link()))).toEqual(['clock-off', 'hello']);
    expect(where(await reportOn(`http://localhost:${relay.port}`))).toEqual(['clock-off', 'hello']);
  });

  it('is remarked on where the host tells, and the relay works all the same', async () => {
    const port = await dated(relay.port);
    setBack(1);
    const report = await reportOn(await link(port));
    expect(report).toMatchObject({
      ok: true,
      code: 'clock-off',
      message: expect.stringMatching(/^It works, .*clock/),
    });
    expect(report.next).toContain('clock');
  });

  it('is not corrected when it is more than a day off, but named, also before a private relay', async () => {
    const [open, closed] = [await dated(relay.port), await dated(invited.port)];
    const invite = await settings.invite();
    const letIn = formatLink({ url: `https://localhost:${closed}/`, key: await settings.key(), invite });
    setBack(48);
    expect(where(await reportOn(await link(open)))).toEqual(['clock-off', 'hello']);
    expect(where(await reportOn(letIn))).toEqual(['clock-off', 'hello']);
  });

  it('is the likely cause of a certificate that is not valid yet', async () => {
    const toCome = await makeChain(new Date(Date.now() + 86_400_000));
    const before = tls.getCACertificates();
    tls.setDefaultCACertificates([...before, toCome.ca]);
    toClose.push(() => tls.setDefaultCACertificates(before));
    const port = await serving(https.createServer(toCome));
    expect(where(await reportOn(await link(port)))).toEqual(['clock-off', 'tls']);
  });
});

describe('a relay that grants nothing', () => {
  it.each(['full', 'limited', 'version'] as const)('as it is %s', async (code) => {
    expect(where(await reportOn((await broken(refuse(code))).link))).toEqual([code, 'grant']);
  });

  it.each<[string, Misdeed, string]>([
    ['answers what its key did not seal', (socket) => socket.send(random(176)), 'bad-grant'],
    ['hangs up', (socket) => socket.terminate(), 'carrier-lost'],
  ])('but %s', async (_, misdeed, code) => {
    expect(where(await reportOn((await broken(misdeed)).link))).toEqual([code, 'grant']);
  });
});

describe('a backend', () => {
  it.each([
    ['that is not on the list', () => 'localhost:2', 'backend-not-allowed', 'backend'],
    ['that is down', () => 'localhost:1', 'backend-down', 'backend'],
    ['that hangs up', () => `localhost:${rude.port}`, 'backend-silent', 'answer'],
    ['that does not speak TLS', () => `localhost:${strange.port}`, 'backend-strange', 'answer'],
    ["that is spoken to as WhatsApp's and is none", () => `whatsapp://localhost:${secure.port}`, 'plaintext', 'answer'],
  ])('%s', async (_, backend, code, stage) => {
    expect(where(await reportOn(await link(), { backend: backend() }))).toEqual([code, stage]);
  });

  it('that is none at all is an error of the caller', async () => {
    await expect(check(await link(), { backend: 'nowhere' })).rejects.toMatchObject({ code: 'address-invalid' });
  });
});

describe('a network that lets little through', () => {
  it('cuts connections', async () => {
    const report = await reportOn(await throughMiddlebox([cutAfter({ bytes: 40_000 }, 'rst')]));
    expect(where(report)).toEqual(['carrier-lost', 'bulk']);
  });
});

describe('a relay that is checked alone', () => {
  it.each([
    ['has another key', () => link(relay.tlsPort, OTHER_KEY), 'wrong-key', 'hello'],
    ['grants nothing', async () => (await broken(refuse('full'))).link, 'full', 'grant'],
    ['is cut off', () => throughMiddlebox([cutAfter({ bytes: 40_000 }, 'rst')]), 'carrier-lost', 'bulk'],
  ] as const)('and %s', async (_, address, code, stage) => {
    expect(where(await reportOn(await address(), { backend: null }))).toEqual([code, stage]);
  });

  it('and lets that be done once a minute', async () => {
    const report = await reportOn((await broken(refuse('limited'))).link, { backend: null });
    expect(report).toMatchObject({ ok: true, code: 'limited' });
  });
});

/** Each takes its time, so all are checked at once. */
it('what gives no answer is known by its silence, at each stage', async () => {
  const silent = await startSilentBackend();
  toClose.push(() => silent.close());
  const reports = await Promise.all([
    reportOn(await link(Number(silent.address.split(':')[1]))),
    reportOn(await throughMiddlebox([filterNames(['localhost'], 'freeze')])),
    reportOn((await broken(() => {})).link),
    reportOn(await link(), { backend: `localhost:${mute.port}` }),
    reportOn(await throughMiddlebox([freezeAfter({ bytes: 40_000 })])),
  ]);
  expect(reports.map(where)).toEqual([
    ['no-answer', 'tcp'],
    ['name-blocked', 'tls'],
    ['timeout', 'grant'],
    ['backend-silent', 'answer'],
    ['frozen', 'bulk'],
  ]);
  const [, least, most] = /after (\d+) to (\d+) KiB/.exec(reports.at(-1)?.message ?? '') ?? [];
  // What TLS and the handshake take comes on top.
  expect(Number(least)).toBeGreaterThan(8);
  expect(Number(most)).toBeLessThan(48);
});

describe('several relays', () => {
  it('are reported on in the order given, however long each takes', async () => {
    const word = new URL(await link()).hash.slice(1);
    const addresses = [
      await link(),
      'not a link#secret',
      word,
      `https://localhost/${word}`,
      formatLink({ url: 'https://relay.invalid/', key: random(32) }),
      await link(1),
    ];
    const { relays } = await check(addresses, { backend: `localhost:${secure.port}` });
    expect(relays.map(({ ok, code }) => [ok, code])).toEqual([
      [true, null],
      [false, 'link-invalid'],
      [false, 'link-invalid'],
      [false, 'link-invalid'],
      [false, 'name-unknown'],
      [false, 'refused'],
    ]);
    for (const secret of ['secret', word]) expect(JSON.stringify(relays)).not.toContain(secret);
    expect(relays.slice(1, 4).map(({ relay }) => relay)).toEqual(['', '', 'https://localhost']);
    expect(relays[1]?.stages).toEqual([]);
  });
});

it('is made once a minute from one source: the rest of a second one is remarked on', async () => {
  const limited = await startRelay({ BACKENDS: `localhost:${secure.port}` });
  toClose.push(() => limited.close());
  const [first, second] = [await reportOn(limited.link), await reportOn(limited.link)];
  expect(first).toMatchObject({ ok: true, code: null });
  expect(second).toMatchObject({ ok: true, code: 'limited', next: expect.stringContaining('minute') });
  expect(second.stages.map(({ stage }) => stage)).not.toContain('bulk');
});
