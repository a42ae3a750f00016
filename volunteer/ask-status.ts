/** Asks a relay what it has counted, as whoever has its key. */
import { nodeCipher } from '../client/node/cipher.ts';
import { runtimeOf } from '../client/node/create-connection.ts';
import { type Socket, socketTo } from '../client/socket.ts';
import { type Bytes, concat, EMPTY, fromUtf8, Malformed } from '../protocol/bytes.ts';
import { PuenteError } from '../protocol/errors.ts';
import { signInvite } from '../protocol/invite.ts';
import { INVITE_ID, STATUS_MAX, STATUS_TOKEN_TIME } from '../protocol/limits.ts';
import { formatLink } from '../protocol/link.ts';
import { type StatusReport, statusKeyOf } from '../protocol/status.ts';

/**
 * @param origin the relay's, `https://host/`
 * @param secret its key
 * @throws PuenteError what prevented it: `version` for an open relay that does not know the question; a private one does not say,
 * `not-admitted`
 */
export async function askStatus(origin: string, secret: Bytes): Promise<StatusReport> {
  const id = crypto.getRandomValues(new Uint8Array(INVITE_ID));
  const terms = { id, expires: Date.now() + STATUS_TOKEN_TIME, sessions: 0, backends: '' };
  const token = await signInvite(nodeCipher, await statusKeyOf(nodeCipher, secret), terms);
  const relay = formatLink({ origin, key: await nodeCipher.publicKey(secret), invite: token });
  const socket = socketTo(runtimeOf({}), 'status', { relay });
  try {
    return JSON.parse(fromUtf8(await wholeOf(socket))) as StatusReport;
  } catch (error) {
    // It holds the key, so what it says is well meant: something is of another version.
    if (error instanceof SyntaxError || error instanceof Malformed) throw new PuenteError('version');
    throw error;
  } finally {
    socket.close().catch(() => {});
  }
}

async function wholeOf(socket: Socket): Promise<Bytes> {
  const reader = socket.readable.getReader();
  let whole = EMPTY;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return whole;
    whole = concat(whole, value);
    if (whole.length > STATUS_MAX) throw new PuenteError('version');
  }
}
