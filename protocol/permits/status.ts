/**
 * A status: what a relay has counted of its use, for whoever has its key. Its hello has a token in the invite's place, which is
 * signed as an invite is, under a key of its own; the answer comes as a backend's bytes would: JSON, then the end.
 */
import { type Bytes, toUtf8 } from '../bytes.ts';
import type { Cipher } from '../carrier/cipher.ts';

const LABEL = toUtf8('puente/1 status');

/** One day, by UTC. */
export interface CountedDay {
  /** `2026-11-25` */
  day: string;
  /** Opened: their backends were connected. Checks are none. */
  sessions: number;
  checks: number;
  /** App bytes that came from clients. */
  up: number;
  /** And from backends. */
  down: number;
  /** How often each refusal was given, by its code. */
  refused: Record<string, number>;
}

export interface StatusReport {
  /** `no-hubs`: there is nowhere to keep them. */
  counters: 'on' | 'off' | 'no-hubs';
  /** How many were asked. */
  hubs: number;
  /** How many of them answered; what the others counted is missing. */
  answered: number;
  /** Oldest first; days on which nothing was counted are missing. */
  days: CountedDay[];
}

/** The key that tokens are signed with. Not that of invites: who is invited is not told of others. */
export async function statusKeyOf(cipher: Cipher, relaySecret: Bytes): Promise<Bytes> {
  return cipher.hmac(relaySecret, LABEL);
}
