/** The Worker's name is the first part of its address, which everybody on the way can read: it must say nothing. */
import { randomInt } from 'node:crypto';
import { WORDS } from './words.ts';

/**
 * Two ordinary words, such as `olive-harbor`: of some 170,000 pairs, and of a form that many other sites' names have, so that
 * no list and no pattern of such names blocks relays alone. It is no secret, and need not be hard to guess; it must not be shared, and
 * not be made by a rule that only relays use. The account's subdomain stands behind it, and says as much to whoever knows the account.
 */
export function randomName(): string {
  const first = WORDS[randomInt(WORDS.length)] as string;
  const others = WORDS.filter((word) => word !== first);
  return `${first}-${others[randomInt(others.length)]}`;
}

const TELLING =
  /proxy|proxies|relay|puente|bridge|tunnel|vpn|chat|messag|whats|signal|telegram|matrix|xmpp|mqtt|unblock|censor|bypass|socks|\birc\b/;

/** What gives a relay away in a host name; nothing where it does not. */
export function tellingPart(host: string): string | undefined {
  return TELLING.exec(host.toLowerCase())?.[0];
}

/**
 * As Cloudflare takes them.
 * @throws Error saying what is wrong
 */
export function checkName(name: string): void {
  if (!/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/.test(name))
    throw new Error(`"${name}" is no name for a Worker: 1 to 63 of a-z, 0-9 and, within, hyphens.`);
  const part = tellingPart(name);
  if (part)
    throw new Error(
      `The name "${name}" has "${part}" in it. It stands in the address, which everybody on the way can read.`,
    );
}
