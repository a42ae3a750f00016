/** What differs between a browser and Node: how a WebSocket is opened, which cipher is at hand, what the network tells. */
import type { Wire } from '../protocol/carrier/carrier.ts';
import type { Cipher } from '../protocol/carrier/cipher.ts';
import type { PuenteError } from '../protocol/errors.ts';

/** What a WebSocket takes until it is open, in order: the host's addresses, a connection, TLS, an HTTP answer, and 101 for that. */
export type DialStage = 'dns' | 'tcp' | 'tls' | 'upgrade' | 'hello';

export interface DialEvents {
  message(data: unknown): void;
  /** Called as each stage is over and well, where the runtime tells. */
  passed?(stage: DialStage): void;
  /**
   * Called once, at the end: `not-admitted`, `over-quota`, `unreachable` or what more is known before the WebSocket was open,
   * `carrier-lost` after.
   * @param date the `Date` of a host that answered something else than 101, where that can be seen.
   */
  closed(error: PuenteError, date?: Date): void;
}

/**
 * Opens a WebSocket; the returned wire drops what is sent after its end.
 * @param resumeTls every byte of the set-up counts: TLS goes on with a ticket of a connection before it
 */
export type Dial = (url: string, protocols: string[], events: DialEvents, resumeTls: boolean) => Wire;

export interface Runtime {
  dial: Dial;
  /** Calls when the device has moved to another network, where the runtime tells, until `signal` is aborted. */
  onNetworkChange(changed: () => void, signal: AbortSignal): void;
  cipher(): Promise<Cipher>;
}
