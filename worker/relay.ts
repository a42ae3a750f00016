/** A session that lives and dies with its carrier: backend, grant, carrier, pipe. */
import { EMPTY } from '../protocol/bytes.ts';
import { PuenteError } from '../protocol/errors.ts';
import type { OpenHello } from '../protocol/hello.ts';
import type { Responder } from '../protocol/noise.ts';
import { type Admitted, understood } from './admission.ts';
import { allowedAddress, type BackendTable, openBackend } from './backends.ts';
import { join, type Pipe } from './pipe.ts';
import { carry, type RelayWire, sendGrant } from './wire.ts';

/** Resolves when the session has ended and its backend's connection is closed. */
export async function relay(wire: RelayWire, { handshake, hello }: Admitted, backends: BackendTable): Promise<void> {
  const known = understood(hello);
  // No session here outlives its carrier.
  if (known.kind === 'resume') throw new PuenteError('session-unknown');
  const backend = await openBackend(allowedAddress(backends, known.backend));
  const pipe = await join(backend);
  await attach(wire, handshake, known, pipe);
  await pipe.run();
}

async function attach(wire: RelayWire, handshake: Responder, hello: OpenHello, { session }: Pipe): Promise<void> {
  if (hello.earlyData.length > 0) session.receive([{ type: 'data', offset: 0, bytes: hello.earlyData }]);
  const told = session.offsets();
  const transport = await sendGrant(wire, handshake, { resumable: false, session: EMPTY, ...told });
  if (wire.lost) return session.abandon('carrier-lost');
  const carrier = carry(wire, transport, {
    frames: (frames) => session.receive(frames),
    failed: (code) => session.reset(code),
    lost: () => session.abandon('carrier-lost'),
  });
  session.attach(carrier, { received: 0, limit: hello.limit }, told, false);
}
