/** Two stock XMPP clients and a stock Prosody, direct TLS, through the real Worker. */
import tls from 'node:tls';
import { type Client, client, type Element, xml } from '@xmpp/client';
import ConnectionTLS from '@xmpp/tls/lib/Connection.js';
import XmppSocket from '@xmpp/tls/lib/Socket.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConnection } from '../../client/node/index.ts';
import { makeCertificate } from '../../examples/local/certificate.ts';
import { type LocalRelay, startRelay } from '../../examples/local/relay.ts';
import { findProgram } from '../support/program.ts';
import { type Prosody, startProsody } from '../support/prosody.ts';

const program = findProgram('prosody');
// Left out on a developer's machine, never in CI.
const skipped = !program && !process.env.CI;
if (skipped)
  console.log('SKIPPED: XMPP through the relay, as Prosody is not installed. To run it: apt-get install prosody');

const PASSWORDS = { ana: 'contraseña de Ana', babak: 'password of Babak' };
const TEXTS = ['¿Cómo estás?', 'سلام، خوبم', 'مرحبا بكم', 'Привет, как дела?', '你好，桥通了', '🌉 <&> 🕊️'];

let prosody: Prosody;
let relay: LocalRelay;
let ca: string;

describe.skipIf(skipped)('xmpp', () => {
  beforeAll(async () => {
    if (!program) throw new Error('Prosody is not installed: apt-get install prosody');
    const certificate = await makeCertificate();
    ca = certificate.cert;
    prosody = await startProsody(program, certificate, PASSWORDS);
    relay = await startRelay({ BACKENDS: `localhost:${prosody.port}` });
  });

  afterAll(async () => {
    await relay?.close();
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
    await Promise.all([ana.stop(), babak.stop()]);
  });

  it('carries a message that is longer than a record, there and back', async () => {
    const ana = await signIn('ana');
    const text = '桥'.repeat(60_000);
    const arrival = bodies(ana, 1);
    await ana.send(message('ana', text));
    const [received] = await arrival;
    expect(received === text).toBe(true);
    await ana.stop();
  });

  it('signs nobody in with a wrong password', async () => {
    await expect(signIn('ana', 'wrong')).rejects.toMatchObject({ condition: 'not-authorized' });
  });
});

/** The library makes its sockets itself, so it is given a class whose sockets go through the tunnel. */
class TunnelSocket extends XmppSocket {
  override connect({ host, port }: { host: string; port: number }): void {
    const socket = createConnection({ hostname: host, port }, { relay: relay.link });
    const secured = tls.connect({ socket, servername: host, ca });
    // The library decodes each chunk by itself, and a chunk may end within a character.
    secured.setEncoding('utf8');
    this._attachSocket(secured);
  }
}

class TunnelConnection extends ConnectionTLS {}
TunnelConnection.prototype.Socket = TunnelSocket;

async function signIn(username: keyof typeof PASSWORDS, password: string = PASSWORDS[username]): Promise<Client> {
  const user = client({ service: `xmpps://localhost:${prosody.port}`, domain: 'localhost', username, password });
  user.transports.unshift(TunnelConnection);
  user.reconnect.stop();
  try {
    await user.start();
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
