/** Ports for the proxy settings of stock apps, by service. */
import type { Certificate } from './certificate.ts';
import { type Entrance, secured, to } from './entrance.ts';
import { socks5 } from './socks5.ts';

export interface Preset {
  /** One line, for the help. */
  does: string;
  ports(certificate: Certificate): Port[];
  /**
   * What to type into the app.
   * @param addresses this machine's addresses on its networks
   * @param portOf gives the opened port for a port of `ports`
   */
  steps(addresses: readonly string[], portOf: (port: number) => number): string[];
}

export interface Port {
  port: number;
  /** For people: what the port speaks, and with which backend. */
  what: string;
  entrance: Entrance;
}

const CHAT = 'g.whatsapp.net:5222';
const CHAT_80 = 'g.whatsapp.net:80';
const MEDIA = 'whatsapp.net:443';

/**
 * The ports of WhatsApp's own proxy that a phone uses (its HAProxy configuration, https://github.com/WhatsApp/proxy).
 * The three other ports of that proxy are for load balancers, which put a PROXY header before the client's bytes.
 */
const whatsapp: Preset = {
  does: 'WhatsApp’s own setting for a proxy',
  ports: (certificate) => [
    { port: 443, what: `TLS → ${CHAT}`, entrance: secured(CHAT, certificate) },
    { port: 80, what: `→ ${CHAT_80}`, entrance: to(CHAT_80) },
    { port: 5222, what: `→ ${CHAT}`, entrance: to(CHAT) },
    { port: 587, what: `→ ${MEDIA}`, entrance: to(MEDIA) },
    { port: 7777, what: `→ ${MEDIA}`, entrance: to(MEDIA) },
  ],
  // The app speaks TLS to port 443 alone (that proxy's FAQ, 4). When port 443 is moved, give the port without TLS.
  steps: (addresses, portOf) => {
    const isMoved = portOf(443) !== 443;
    const ports = isMoved ? `, chat port ${portOf(5222)}, media port ${portOf(587)}` : '';
    return [
      'On the phone, in the same network: WhatsApp → Settings → Storage and data → Proxy.',
      ...addresses.map((address) => `Set proxy: ${address}${ports}`),
      ...(isMoved ? ['If the app has a switch for TLS there, turn it off.'] : []),
      'Save; a green tick says that it works. Calls are not carried.',
    ];
  },
};

/**
 * Telegram's servers have no names, and its bytes look like no known protocol: a relay must list the servers by
 * address, with `any://`.
 */
const telegram: Preset = {
  does: 'Telegram’s setting for a SOCKS5 proxy; for relays that list Telegram’s servers',
  ports: () => [{ port: 1080, what: 'SOCKS5', entrance: socks5 }],
  steps: (addresses, portOf) => [
    'On the phone, in the same network: Telegram → Settings → Data and Storage → Proxy → Add Proxy → SOCKS5.',
    ...addresses.map((address) => `Server: ${address}, port: ${portOf(1080)}; no username, no password`),
    'The relay must have Telegram’s servers in its BACKENDS, as any://ADDRESS:443. Calls are not carried.',
  ],
};

export const PRESETS: Readonly<Record<string, Preset>> = { whatsapp, telegram };
