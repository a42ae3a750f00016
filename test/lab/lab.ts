/** What all scenarios of a run share. */
import tls from 'node:tls';
import { type Bundle, bundle } from '../../volunteer/relay/bundle.ts';
import { type ChatServer, startChatServer } from '../support/servers/chat-server.ts';
import { type Chain, makeChain } from './certificate.ts';
import type { Outcome } from './row.ts';

export interface Lab {
  certificate: Chain;
  chat: ChatServer;
  relay: Bundle;
}

/** A case that asks for more than whether traffic arrives, of Puente's relay alone. */
export interface Check {
  name: string;
  /** Milliseconds for all of it, where it takes longer than others. */
  deadline?: number;
  run(lab: Lab): Promise<Outcome>;
}

export async function openLab(): Promise<Lab> {
  const certificate = await makeChain();
  // The relays' certificate is made for this run; conversations know the chat server's.
  tls.setDefaultCACertificates([...tls.getCACertificates(), certificate.ca]);
  return { certificate, chat: await startChatServer(), relay: bundle('wrangler.toml') };
}
