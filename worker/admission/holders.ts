/** Who is counted: the invite, and within it the source; in an open relay the source. */
import { toBase64url } from '../../protocol/bytes.ts';
import type { Invite } from '../../protocol/permits/invite.ts';

export interface Holder {
  /** The invite, or in an open relay the source. */
  group: string;
  /** The source within it. Where sources are unknown, all are one. */
  member: string;
}

export function holderOf({ invite, source = '' }: { invite?: Invite; source?: string }): Holder {
  const group = invite ? nameOf(invite) : source;
  return { group, member: `${group} ${source}` };
}

/** What a session is opened and resumed with, in a private relay. */
export function inviteName({ invite }: { invite?: Invite }): string | undefined {
  return invite && nameOf(invite);
}

/** An invite's id in base64url, as `REVOKED` lists it. */
export function nameOf({ id }: Invite): string {
  return toBase64url(id);
}
