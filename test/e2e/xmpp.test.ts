/** Two stock XMPP clients and a stock Prosody, direct TLS, through the real Worker. */
import { type Client, client, type Element, xml } from '@xmpp/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { throughRelay } from '../../client/adapters/xmpp.ts';
import { NODES, runExample } from '../support/example.ts';
import { makeCertificate } from '../support/fixtures/certificate.ts';
import { startFront } from '../support/network/front.ts';
import { findProgram } from '../support/program.ts';
import type { Backend } from '../support/servers/backend.ts';
import type { Daemon } from '../support/servers/daemon.ts';
import { startProsody } from '../support/servers/prosody.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { until } from '../support/until.ts';

const program = findProgram('prosody');
// Left out on a developer's machine, never in CI.
const skipped = !program && !process.env.CI;
if (skipped)
  console.log('SKIPPED: XMPP through the relay, as Prosody is not installed. To run it: apt-get install prosody');

const PASSWORDS = { ana: 'contraseña de Ana', babak: 'password of Babak' };
const TEXTS = ['¿Cómo estás?', 'سلام، خوبم', 'مرحبا بكم', 'Привет, как дела?', '你好，桥通了', '🌉 <&> 🕊️'];

let prosody: Daemon;
let front: Backend;
let relay: Relay;
let trusted: string;
const clients: Client[] = [];

describe.skipIf(skipped)('xmpp', () => {
  beforeAll(async () => {
    if (!program) throw new Error('Prosody is not installed: apt-get install prosody');
    const certificate = await makeCertificate();
    trusted = certificate.cert;
    prosody = await startProsody(program, certificate, PASSWORDS);
    front = await startFront(prosody.port);
    relay = await startRelay({ BACKENDS: `localhost:${front.port}` });
  });

  afterEach(async () => {
    for (const user of clients.splice(0)) {
      user.reconnect.stop();
      await user.stop();
    }
    await until('no tunnel is left', () => front.open.size === 0);
  });

  afterAll(async () => {
    await relay?.close();
    await front?.close();
    await prosody?.close();
  });

  it('carries 100 messages each way, in order', async () => {
    const ana = await signIn('ana');
    const babak = await signIn('babak');
    const count = 100;
    const atAna = bodies(ana, count);
    const atBabak = bodies(babak, count);
    const texts = Array.from({ length: count }, (_, number) => `${number}: ${TEXTS[number % TEXTS.length]}`);
    for (const text of texts) {
      void ana.send(message('babak', text));
      void babak.send(message('ana', text.toUpperCase()));
    }
    expect(await atBabak).toEqual(texts);
    expect(await atAna).toEqual(texts.map((text) => text.toUpperCase()));
  });

  it('carries a message that is longer than a record, there and back', async () => {
    const ana = await signIn('ana');
    const text = '桥'.repeat(60_000);
    const arrival = bodies(ana, 1);
    await ana.send(message('ana', text));
    const [received] = await arrival;
    expect(received === text).toBe(true);
  });

  it('signs nobody in with a wrong password', async () => {
    await expect(signIn('ana', { password: 'wrong' })).rejects.toMatchObject({ condition: 'not-authorized' });
  });

  it('opens a new tunnel when the library reconnects', async () => {
    const ana = await signIn('ana', { reconnect: true });
    const before = front.accepted;
    const online = new Promise<void>((resolve) => ana.on('online', resolve));
    for (const socket of front.open) socket.destroy();
    await online;
    expect(front.accepted - before).toBe(1);
    const arrival = bodies(ana, 1);
    await ana.send(xml('presence'));
    await ana.send(message('ana', 'Aquí estoy otra vez'));
    expect(await arrival).toEqual(['Aquí estoy otra vez']);
  });

  it('goes no other way than through the relay', async () => {
    await expect(signIn('ana', { service: 'xmpp://localhost' })).rejects.toThrow('No compatible connection method');
    await expect(signIn('ana', { service: 'wss://localhost' })).rejects.toThrow('No compatible connection method');
  });

  it('refuses a certificate by another CA', async () => {
    const { cert: ca } = await makeCertificate();
    await expect(signIn('ana', { ca })).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  it('fails with what the relay says', async () => {
    const failed = signIn('ana', { service: `xmpps://localhost:${prosody.port}` });
    await expect(failed).rejects.toMatchObject({ name: 'PuenteError', code: 'backend-not-allowed' });
  });

  it('says so when a client has no direct TLS', () => {
    expect(() => throughRelay({ transports: [] }, { relay: relay.link })).toThrow(TypeError);
  });

  it.each(NODES)('has an example that runs: %s', async (node) => {
    const args = [relay.link, `xmpps://localhost:${front.port}`, 'babak', PASSWORDS.babak];
    expect(await runExample(node, 'xmpp', args, trusted)).toBe('Nota para mí: 你好\n');
  });
});

interface SignIn {
  password?: string;
  service?: string;
  ca?: string;
  reconnect?: boolean;
}

async function signIn(username: keyof typeof PASSWORDS, options: SignIn = {}): Promise<Client> {
  const { password = PASSWORDS[username], service = `xmpps://localhost:${front.port}`, reconnect = false } = options;
  const stock = client({ service, domain: 'localhost', username, password });
  const user = throughRelay(stock, { relay: relay.link }, { ca: options.ca ?? trusted });
  // Unheard it would be thrown; who waits for `start` hears it there.
  user.on('error', () => {});
  if (!reconnect) user.reconnect.stop();
  try {
    await user.start();
    clients.push(user);
    await user.send(xml('presence'));
    return user;
  } catch (error) {
    await user.stop();
    throw error;
  }
}

function message(to: keyof typeof PASSWORDS, text: string): Element {
  return xml('message', { type: 'chat', to: `${to}@localhost` }, xml('body', {}, text));
}

/** The next messages that come. */
function bodies(user: Client, count: number): Promise<string[]> {
  const received: string[] = [];
  return new Promise((resolve, reject) => {
    user.on('error', reject);
    user.on('stanza', (stanza: Element) => {
      const text = stanza.is('message') ? stanza.getChildText('body') : null;
      if (text !== null && received.push(text) === count) resolve(received);
    });
  });
}
