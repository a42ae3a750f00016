/**
 * What differs between a browser and Node: how a WebSocket is opened, which cipher is available, and what the network
 * reports.
 */
import type { Wire } from '../protocol/carrier/carrier.ts';
import type { Cipher } from '../protocol/carrier/cipher.ts';
import type { PuenteError } from '../protocol/errors.ts';

/**
 * The stages until a WebSocket is open, in order: the host's addresses, a connection, TLS, an HTTP answer, and 101 as
 * that answer.
 */
export type DialStage = 'dns' | 'tcp' | 'tls' | 'upgrade' | 'hello';

export interface DialEvents {
  message(data: unknown): void;
  /** Called when a stage has succeeded, where the runtime reports stages. */
  passed?(stage: DialStage): void;
  /**
   * Called once, at the end. Before the WebSocket was open the code is `not-admitted`, `over-quota`, `unreachable` or a
   * more precise one; after that it is `carrier-lost`.
   * @param date the `Date` of a host that answered with anything but 101, where the runtime can see it
   */
  closed(error: PuenteError, date?: Date): void;
}

/**
 * Opens a WebSocket. The returned wire drops whatever is sent after its end.
 * @param resumeTls TLS resumes with a ticket from an earlier connection, because every byte of the set-up counts
 */
export type Dial = (url: string, protocols: string[], events: DialEvents, resumeTls: boolean) => Wire;

export interface Runtime {
  dial: Dial;
  /**
   * Calls `changed` when the device has moved to another network, where the runtime reports that, until `signal` is
   * aborted.
   */
  onNetworkChange(changed: () => void, signal: AbortSignal): void;
  cipher(): Promise<Cipher>;
}
