/**
 * Holders, whose use is counted. A holder is the invite, and within the invite the source. In an open relay, a holder
 * is the source.
 */
import { toBase64url } from '../../protocol/bytes.ts';
import type { Invite } from '../../protocol/permits/invite.ts';

export interface Holder {
  /** The invite, or in an open relay the source. */
  group: string;
  /** The source within the group. If sources are unknown, all of them are one member. */
  member: string;
}

export function holderOf({ invite, source = '' }: { invite?: Invite; source?: string }): Holder {
  const group = invite ? nameOf(invite) : source;
  return { group, member: `${group} ${source}` };
}

/** The name of the invite that opens and resumes a session. Only a private relay has one. */
export function inviteName({ invite }: { invite?: Invite }): string | undefined {
  return invite && nameOf(invite);
}

/** An invite's id in base64url, as `REVOKED` lists it. */
export function nameOf({ id }: Invite): string {
  return toBase64url(id);
}
