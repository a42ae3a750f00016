/** `npm run status`, as a volunteer and as a script run it. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createConnection } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { failure } from '../support/failure.ts';
import { type Backend, echo, startBackend } from '../support/servers/backend.ts';
import { type Relay, startRelay } from '../support/servers/relay.ts';
import { Volunteer } from '../support/wrangler.ts';

const SECRET = crypto.getRandomValues(new Uint8Array(32));
let backend: Backend;
const running: Record<string, Relay> = {};
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  backend = await startBackend(echo);
  const vars = { BACKENDS: backend.entry };
  for (const [name, more] of Object.entries({ open: {}, closed: { ACCESS: 'invite' }, off: { COUNTERS: 'off' } }))
    running[name] = await startRelay({ ...vars, ...more }, SECRET);
});

afterAll(async () => {
  for (const relay of Object.values(running)) await relay.close();
  await backend.close();
});

afterEach(() => {
  for (const end of ending.splice(0)) end();
});

const at = (name: string): Relay => running[name] as Relay;

/** Somebody who has deployed this relay, or thinks so. */
function volunteer(address: string | undefined, key = SECRET): Volunteer {
  const made = new Volunteer();
  ending.push(() => made.remove());
  const vars = { ACCESS: 'open', BACKENDS: backend.entry };
  made.write('settings.json', { name: 'olive-harbor', claimed: true, address, vars, invites: [], revoked: [] });
  made.write('secrets.json', { RELAY_KEY: toBase64url(key) });
  return made;
}

describe('npm run status', () => {
  it('shows today and all days, and everything to scripts', async () => {
    const { origin, link } = at('open');
    const of = volunteer(origin);
    expect(await of.run('status')).toEqual({
      status: 0,
      stdout: `${origin}\n\nNothing was counted yet.\n`,
      stderr: '',
    });
    const socket = createConnection(backend.address, { relay: link });
    socket.write(Buffer.alloc(2048));
    await once(socket, 'data');
    expect((await failure(createConnection('127.0.0.1:1', { relay: link }))).code).toBe('backend-not-allowed');
    const { status, stdout, stderr } = await of.run('status');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`${origin}

day     sessions  checks        up      down  refused
today          1       0  2.00 KiB  2.00 KiB  backend-not-allowed 1
in all         1       0  2.00 KiB  2.00 KiB  backend-not-allowed 1
`);
    const json = JSON.parse((await of.run('status', '--json')).stdout);
    expect(json).toMatchObject({ relay: origin, counters: 'on', hubs: 1, answered: 1, days: [{ sessions: 1 }] });
    expect(JSON.stringify(json)).not.toContain(toBase64url(SECRET));
    socket.destroy();
  });

  it('is let into a private relay, which has been asked by nobody else', async () => {
    const { status, stdout } = await volunteer(at('closed').origin).run('status');
    expect([status, stdout]).toEqual([0, expect.stringContaining('Nothing was counted yet.')]);
  });

  it('says that the counters are off, and how to turn them on', async () => {
    const { status, stdout } = await volunteer(at('off').origin).run('status');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/"COUNTERS": "on".* npm run deploy/)]);
  });

  it.each<[string, () => Volunteer, RegExp]>([
    [
      'another key than the relay’s',
      () =>
        volunteer(
          at('open').origin,
          SECRET.map((byte) => byte ^ 1),
        ),
      /key.*npm run deploy/s,
    ],
    [
      'an address where nothing answers',
      () => volunteer('http://127.0.0.1:1/'),
      /refuses connections.*npm run doctor/s,
    ],
    ['no address yet', () => volunteer(undefined), /npm run deploy/],
  ])('exits with 1 for %s, and says what to do', async (_, of, says) => {
    expect(await of().run('status')).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(says) });
  });

  it('explains itself, and refuses what it does not understand with 2', async () => {
    const of = volunteer(at('open').origin);
    const help = await of.run('status', '--help');
    expect([help.status, help.stdout]).toEqual([0, expect.stringMatching(/^npm run status -- .*--json.*Exit code/s)]);
    expect((await of.run('status', '--what')).status).toBe(2);
  });
});
