/** Grants carriers, and joins each carrier to its session. */
import type { Carrier } from '../../protocol/carrier/carrier.ts';
import type { OpenHello } from '../../protocol/carrier/hello.ts';
import type { Responder, Transport } from '../../protocol/carrier/noise.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { Carriers } from './carriers.ts';
import { carry, type Granting, type RelayWire, sendGrant } from './wire.ts';

/**
 * Grants a session, plain or resumable, and begins it on its first carrier. Returns the transport, which has the keys.
 * @param allowance how much may be sent on the carrier
 */
export async function open(
  wire: RelayWire,
  handshake: Responder,
  hello: OpenHello,
  session: Session,
  carriers: Carriers,
  granting: Granting,
  allowance = Infinity,
): Promise<Transport> {
  if (hello.earlyData.length > 0) session.receive([{ type: 'data', offset: 0, bytes: hello.earlyData }]);
  const advertised = session.offsets();
  const transport = await sendGrant(wire, handshake, { ...granting, ...advertised }, hello.allowance);
  const carrier = carryFor(carriers, wire, transport, allowance);
  carriers.begin(carrier, { received: 0, limit: hello.limit }, advertised);
  if (wire.lost) carrier.lost();
  return transport;
}

/** A carrier that gives its records to the session on it. */
export function carryFor(carriers: Carriers, wire: RelayWire, transport: Transport, allowance: number): Carrier {
  const carrier: Carrier = carry(
    wire,
    transport,
    {
      frames: (record) => carriers.frames(carrier, record),
      failed: (code) => carriers.failed(carrier, code),
      lost: () => carriers.lost(carrier),
    },
    allowance,
  );
  return carrier;
}
