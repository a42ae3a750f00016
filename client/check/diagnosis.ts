/**
 * Finds out why a host does not admit the client. The host says nothing itself, but an open relay's key is public, and
 * an invite holds the day on which it expires.
 */
import { equal } from '../../protocol/bytes.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { decodeInvite } from '../../protocol/permits/invite.ts';
import type { RelayAddress } from '../../protocol/permits/link.ts';
import { findRelay } from '../relays/resolve.ts';
import { CLOCK_ERROR_MAX } from '../tunnel.ts';
import type { Stages } from './stages.ts';

/** A more precise error, or the same one. */
export async function narrow(error: unknown, { url, key, invite }: RelayAddress, stages: Stages): Promise<unknown> {
  const isUnadmitted = error instanceof PuenteError && ['not-admitted', 'unreachable'].includes(error.code);
  if (!isUnadmitted || stages.hasPassed('grant')) return error;
  const published = await findRelay(url).catch((reason: PuenteError) => reason.code);
  if (typeof published !== 'string')
    return key && !equal(published.key, key) ? new PuenteError('wrong-key') : whenSeen(error, 'clock-off');
  // The client corrects a smaller error of the clock, so a smaller error is not the cause.
  if (Math.abs(stages.late) > CLOCK_ERROR_MAX) return whenSeen(error, 'clock-off');
  const expires = invite ? decodeInvite(invite)?.expires : undefined;
  if (expires !== undefined && expires < Date.now() + stages.late) return new PuenteError('link-expired');
  return published === 'no-key' && !invite ? whenSeen(error, 'not-a-relay') : error;
}

/**
 * The more precise code, for clients that see the host's answer. In a browser every failure looks the same, so the
 * error stays.
 */
function whenSeen(error: PuenteError, code: Code): PuenteError {
  return error.code === 'not-admitted' ? new PuenteError(code) : error;
}
