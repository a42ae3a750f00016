/** Hellos to be varied, in any runtime. */
import { type Bytes, EMPTY } from '../../protocol/bytes.ts';
import type { OpenHello } from '../../protocol/carrier/hello.ts';

export const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));

/** An open hello with usual values, to be varied. */
export function openHello(backend: string, varied: Partial<OpenHello> = {}): OpenHello {
  const usual = {
    resumable: false,
    limit: 65_536,
    allowance: Number.POSITIVE_INFINITY,
    invite: EMPTY,
    earlyData: EMPTY,
    time: Date.now(),
  };
  return { kind: 'open', backend, ...usual, ...varied };
}
