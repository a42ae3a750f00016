/** One user, alone on a relay, who is away for nearly as long as that waits: nobody else's requests keep its hub in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCipher } from '../../client/node/cipher.ts';
import { createConnection, type PuenteSocket } from '../../client/node/index.ts';
import { toBase64url } from '../../protocol/bytes.ts';
import { formatLink } from '../../protocol/permits/link.ts';
import { echo, startBackend } from '../support/servers/backend.ts';
import { serve } from '../support/servers/workerd.ts';
import type { Check, Lab } from './lab.ts';
import { answered, WORD } from './lost-hub.ts';
import { startMiddlebox } from './middlebox.ts';
import type { Outcome } from './row.ts';

/** workerd looks for objects to evict every 70 s: so long after a first use the user is away at the next two times. */
const USED_BEFORE = 65_000;

export const aways: Check[] = [away(110, 120), away(850, 900)];

/** @param patience seconds for which the relay waits */
function away(seconds: number, patience: number): Check {
  const name = `alone on a relay, away for ${seconds} s of ${patience}`;
  const deadline = USED_BEFORE + 1000 * patience + 60_000;
  return { name, deadline, run: (lab) => goAway(name, lab, seconds, patience) };
}

async function goAway(scenario: string, lab: Lab, seconds: number, patience: number): Promise<Outcome> {
  const backend = await startBackend(echo);
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const vars = { RELAY_KEY: toBase64url(secret), BACKENDS: backend.entry, RESUME_SECONDS: String(patience) };
  const worker = await serve(lab.relay, vars, lab.certificate);
  const middlebox = await startMiddlebox(worker.port);
  const url = `http://127.0.0.1:${middlebox.port}/`;
  const relay = formatLink({ url, key: await nodeCipher.publicKey(secret) });
  const open = (): PuenteSocket => createConnection(backend.address, { relay });
  try {
    const before = open();
    await answered(before);
    before.destroy();
    await sleep(USED_BEFORE);
    const socket = open();
    let note = '';
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      note = code ?? message;
    });
    await answered(socket);
    middlebox.block();
    middlebox.cutAll('rst');
    await sleep(seconds * 1000);
    middlebox.unblock();
    const back = performance.now();
    const delivered = socket.destroyed ? 0 : await answered(socket).catch(() => 0);
    const lost = 2 * WORD.length - delivered;
    socket.destroy();
    const row = {
      scenario,
      relay: 'puente' as const,
      passed: lost === 0,
      delivered,
      lost,
      duplicated: 0,
      recoverMs: Math.round(performance.now() - back),
      carriers: middlebox.accepted,
      note,
    };
    return { row, asExpected: row.passed };
  } finally {
    await middlebox.close();
    await worker.stop();
    await backend.close();
  }
}
