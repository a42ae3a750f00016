/**
 * Names for a Worker. The name must say nothing: it is the first part of the address, which everybody on the way can
 * read.
 */
import { randomInt } from 'node:crypto';
import { WORDS } from './words.ts';

/**
 * Two ordinary words, such as `olive-harbor`, from some 170,000 pairs. Many other sites have names of this form, so no
 * list and no pattern of such names blocks relays alone. The name is no secret, and need not be hard to guess. The name
 * must not be shared, and must not follow a rule that only relays use. The account's subdomain stands behind the name,
 * and says as much to a person who knows the account.
 */
export function randomName(): string {
  const first = WORDS[randomInt(WORDS.length)] as string;
  const others = WORDS.filter((word) => word !== first);
  return `${first}-${others[randomInt(others.length)]}`;
}

const TELLING =
  /proxy|proxies|relay|puente|bridge|tunnel|vpn|chat|messag|whats|signal|telegram|matrix|xmpp|mqtt|unblock|censor|bypass|socks|\birc\b/;

/** The part of a host name that gives a relay away; nothing where there is no such part. */
export function tellingPart(host: string): string | undefined {
  return TELLING.exec(host.toLowerCase())?.[0];
}

/**
 * Checks that a name has the form that Cloudflare takes, and does not give the relay away.
 * @throws Error that says what is wrong
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
