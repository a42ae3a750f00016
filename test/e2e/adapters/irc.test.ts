/** Two stock irc-framework clients and a stock ngIRCd, with TLS, through the real Worker. */
import { Client } from 'irc-framework';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { transport } from '../../../client/adapters/irc.ts';
import { NODES, runExample } from '../../support/example.ts';
import { makeCertificate } from '../../support/fixtures/certificate.ts';
import { startFront, startMute } from '../../support/network/front.ts';
import { findProgram } from '../../support/program.ts';
import type { Backend } from '../../support/servers/backend.ts';
import type { Daemon } from '../../support/servers/daemon.ts';
import { hurry, startNgircd } from '../../support/servers/ngircd.ts';
import { type Relay, startRelay } from '../../support/servers/relay.ts';
import { until } from '../../support/until.ts';

const program = findProgram('ngircd');
// Left out on a developer's machine, never in CI.
const skipped = !program && !process.env.CI;
if (skipped)
  console.log('SKIPPED: IRC through the relay, as ngIRCd is not installed. To run it: apt-get install ngircd');

const TEXTS = ['¿Cómo estás?', 'سلام، خوبم', 'مرحبا بكم', 'Привет, как дела?', '你好，桥通了', '🌉 <&> 🕊️'];

/** Lines that are well below 2 KiB together: ngIRCd reads no further in what it has from TLS until something more comes. */
const AT_ONCE = 20;

const clients: Client[] = [];
let ngircd: Daemon;
let front: Backend;
let mute: Backend;
let relay: Relay;
let trusted: string;

describe.skipIf(skipped)('irc', () => {
  beforeAll(async () => {
    if (!program) throw new Error('ngIRCd is not installed: apt-get install ngircd');
    const certificate = await makeCertificate();
    trusted = certificate.cert;
    ngircd = await startNgircd(program, certificate);
    front = await startFront(ngircd.port);
    mute = await startMute();
    relay = await startRelay({ BACKENDS: [front, mute].map(({ port }) => `localhost:${port}`).join() });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.quit();
    await until('no tunnel is left', () => front.open.size + mute.open.size === 0);
  });

  afterAll(async () => {
    await relay?.close();
    await mute?.close();
    await front?.close();
    await ngircd?.close();
  });

  it('carries 100 messages each way, in order', async () => {
    const ana = await join('ana');
    const babak = await join('babak');
    const atAna = heard(ana);
    const atBabak = heard(babak);
    const texts = Array.from({ length: 100 }, (_, number) => `${number}: ${TEXTS[number % TEXTS.length]}`);
    for (let sent = 0; sent < texts.length; sent += AT_ONCE) {
      for (const text of texts.slice(sent, sent + AT_ONCE)) {
        ana.say('babak', text);
        babak.say('#plaza', text.toUpperCase());
      }
      await until('they have arrived', () => Math.min(atAna.length, atBabak.length) >= sent + AT_ONCE);
    }
    expect(atBabak).toEqual(texts);
    expect(atAna).toEqual(texts.map((text) => text.toUpperCase()));
  });

  it('carries a text that the library cuts into lines', async () => {
    const ana = await join('ana');
    const atBabak = heard(await join('babak'));
    const text = '桥'.repeat(500);
    ana.say('babak', text);
    await until('all of it has arrived', () => atBabak.join('').length >= text.length);
    expect(atBabak.join('') === text).toBe(true);
    expect(atBabak.length).toBeGreaterThan(3);
  });

  it('opens a new tunnel when the library reconnects', async () => {
    const ana = await join('ana', { auto_reconnect: true });
    const before = front.accepted;
    // The library reconnects only who has been there for five seconds.
    await new Promise((resolve) => setTimeout(resolve, 5100));
    const back = new Promise<void>((resolve) => ana.on('registered', resolve));
    for (const socket of front.open) socket.resetAndDestroy();
    expect(await closed(ana)).toMatchObject({ name: 'PuenteError', code: 'backend-reset' });
    await back;
    expect(front.accepted - before).toBe(1);
    const atAna = heard(ana);
    ana.say('ana', 'Aquí estoy otra vez');
    await until('it has arrived', () => atAna.length > 0);
    expect(atAna).toEqual(['Aquí estoy otra vez']);
  });

  it('refuses a certificate by another CA', async () => {
    const { cert: ca } = await makeCertificate();
    expect(await closed(connect('ana', { ca }))).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  it('fails with what the relay says', async () => {
    const client = connect('ana', { port: ngircd.port });
    expect(await closed(client)).toMatchObject({ name: 'PuenteError', code: 'backend-not-allowed' });
  });

  it('leaves no socket when it quits before TLS stands', async () => {
    const client = connect('ana', { port: mute.port });
    await until('the backend has accepted', () => mute.open.size === 1);
    client.quit();
    expect(await closed(client)).toBe(false);
    await until('no tunnel is left', () => mute.open.size === 0);
  });

  it('leaves no socket when the server says nothing for too long', async () => {
    const client = connect('ana', { port: mute.port, ping_interval: 0.2, ping_timeout: 0.2 });
    await until('the backend has accepted', () => mute.open.size === 1);
    expect(await closed(client)).toBe(false);
    await until('no tunnel is left', () => mute.open.size === 0);
  });

  it.each(NODES)('has an example that runs: %s', async (node) => {
    const printed = await runExample(node, 'irc', [relay.link, 'localhost', String(front.port), 'layla'], trusted);
    expect(printed).toBe('<layla> ¿Hay alguien? 🌉\n');
  });
});

interface Connect {
  port?: number;
  ca?: string;
  auto_reconnect?: boolean;
  ping_interval?: number;
  ping_timeout?: number;
}

function connect(nick: string, { ca = trusted, ...options }: Connect): Client {
  const client = new Client();
  clients.push(client);
  client.connect({
    host: 'localhost',
    port: front.port,
    nick,
    auto_reconnect: false,
    transport: transport({ relay: relay.link }, { ca }),
    ...options,
  });
  return client;
}

/** Resolves when it is in the channel. */
async function join(nick: string, options: Connect = {}): Promise<Client> {
  const client = connect(nick, options);
  await new Promise<void>((resolve, reject) => {
    client.on('socket close', (error) => reject(error || new Error('closed')));
    client.on('registered', () => {
      for (const line of hurry(nick)) client.raw(line);
      client.join('#plaza');
    });
    client.on('join', (who) => who.nick === nick && resolve());
  });
  return client;
}

/** What its socket ends with. */
function closed(client: Client): Promise<Error | false> {
  return new Promise((resolve) => client.on('socket close', resolve));
}

/** The texts that come from now on. */
function heard(client: Client): string[] {
  const texts: string[] = [];
  client.on('privmsg', ({ message }) => texts.push(message));
  return texts;
}
