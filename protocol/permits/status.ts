/**
 * A status is what a relay has counted of its use, for the holder of the relay's key. The hello of a status has a token
 * in the invite's place. The token is signed as an invite is, under a key of its own. The answer comes like a backend's
 * bytes: JSON, then the end.
 */
import { type Bytes, toUtf8 } from '../bytes.ts';
import type { Cipher } from '../carrier/cipher.ts';

const LABEL = toUtf8('puente/1 status');

/** One day, by UTC. */
export interface CountedDay {
  /** `2026-11-25` */
  day: string;
  /** Sessions whose backends were connected. Checks do not count. */
  sessions: number;
  checks: number;
  /** App bytes that came from clients. */
  up: number;
  /** App bytes that came from backends. */
  down: number;
  /** How often each refusal was given, by the refusal's code. */
  refused: Record<string, number>;
}

export interface StatusReport {
  /** `no-hubs`: the relay has no place to keep counters. */
  counters: 'on' | 'off' | 'no-hubs';
  /** How many hubs were asked. */
  hubs: number;
  /** How many of these hubs answered. The counts of the others are missing. */
  answered: number;
  /** Oldest first. Days on which nothing was counted are missing. */
  days: CountedDay[];
}

/** The key that signs status tokens. It is not the key of invites: an invited person learns nothing about others. */
export async function statusKeyOf(cipher: Cipher, relaySecret: Bytes): Promise<Bytes> {
  return cipher.hmac(relaySecret, LABEL);
}
