/** Asks a relay for its counts, with the relay's key. */

import { openCarrier } from '../../client/carriers/handshake.ts';
import { clock } from '../../client/clock.ts';
import { nodeCipher } from '../../client/node/cipher.ts';
import { runtimeOf } from '../../client/node/create-connection.ts';
import { random } from '../../client/random.ts';
import type { Relay } from '../../client/relays/resolve.ts';
import { type Bytes, concat, EMPTY, fromUtf8, Malformed } from '../../protocol/bytes.ts';
import type { CarrierEvents } from '../../protocol/carrier/carrier.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { INVITE_ID, OPEN_TIMEOUT, STATUS_MAX, STATUS_TOKEN_TIME } from '../../protocol/limits.ts';
import { signInvite } from '../../protocol/permits/invite.ts';
import { type StatusReport, statusKeyOf } from '../../protocol/permits/status.ts';
import { CLIENT_END } from '../../protocol/session/client-end.ts';
import { Session } from '../../protocol/session/session.ts';
import { Wakeup } from '../../protocol/wakeup.ts';

/**
 * @param url the relay's URL, `https://host/path/`
 * @param secret the relay's key
 * @throws PuenteError the reason: `version` for an open relay that does not know the question; `not-admitted` for a
 * private relay, which does not say why
 */
export async function askStatus(url: string, secret: Bytes): Promise<StatusReport> {
  const id = crypto.getRandomValues(new Uint8Array(INVITE_ID));
  const terms = { id, expires: Date.now() + STATUS_TOKEN_TIME, sessions: 0, backends: '' };
  const token = await signInvite(nodeCipher, await statusKeyOf(nodeCipher, secret), terms);
  const relay = { url, key: await nodeCipher.publicKey(secret), invite: token };
  try {
    return JSON.parse(fromUtf8(await answerTo(relay))) as StatusReport;
  } catch (error) {
    // The relay holds the key, so its answer is well meant: the relay or this program is of another version.
    if (error instanceof SyntaxError || error instanceof Malformed) throw new PuenteError('version');
    throw error;
  }
}

/** Opens one session, as a tunnel does, on one carrier. The relay itself is the backend. */
async function answerTo(relay: Relay): Promise<Bytes> {
  const changed = new Wakeup();
  let end: { code: Code | undefined } | undefined;
  const session = new Session({
    end: CLIENT_END,
    clock,
    random,
    budget: { reserve: () => true, release: () => {} },
    events: {
      readable: () => changed.set(),
      writable: () => {},
      stalled: () => {},
      ended: (code) => {
        end = { code };
        changed.set();
      },
    },
  });
  const told = session.offsets();
  const hello = {
    kind: 'status',
    resumable: false,
    backend: '',
    earlyData: EMPTY,
    allowance: Infinity,
    ...told,
  } as const;
  const opened = await openCarrier(relay, runtimeOf({}), hello, AbortSignal.timeout(OPEN_TIMEOUT));
  const events: CarrierEvents = {
    frames: (frames) => session.receive(frames),
    failed: (code) => session.reset(code),
    lost: () => session.abandon('carrier-lost'),
  };
  const carrier = opened.carry(events, Infinity);
  session.attach(carrier, opened.granted, told, false);
  opened.deliver(carrier);
  let answer = EMPTY;
  while (!session.drained && answer.length <= STATUS_MAX) {
    const bytes = session.take();
    if (bytes) {
      answer = concat(answer, bytes);
      session.consumed(bytes.length);
      session.flush();
    } else if (end) throw new PuenteError(end.code ?? 'aborted');
    else await changed.wait();
  }
  session.close();
  if (answer.length > STATUS_MAX) throw new PuenteError('version');
  return answer;
}
