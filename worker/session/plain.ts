/**
 * A session that lives and dies with its carrier: backend, grant, carrier, pipe. A check is one, with an echo for its backend; a
 * status is one, with what was counted.
 */
import { EMPTY } from '../../protocol/bytes.ts';
import type { OpenHello } from '../../protocol/carrier/hello.ts';
import type { Responder } from '../../protocol/carrier/noise.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { type Admitted, understood } from '../admission/admission.ts';
import { backendFor } from '../admission/backends.ts';
import { Guard, type Place } from '../admission/guard.ts';
import type { Config } from '../config.ts';
import { reportOf, tally } from '../counters/counters.ts';
import type { Env } from '../env.ts';
import { joinEcho } from './echo.ts';
import { openBackend } from './open-backend.ts';
import { join, type Pipe } from './pipe.ts';
import { joinReport } from './report.ts';
import { carry, type RelayWire, sendGrant } from './wire.ts';

const guard = new Guard();

/** Resolves when the session has ended and its backend's connection is closed. */
export async function relay(wire: RelayWire, admitted: Admitted, env: Env, config: Config): Promise<void> {
  const hello = understood(admitted.hello);
  // No session here outlives its carrier.
  if (hello.kind === 'resume') throw new PuenteError('session-unknown');
  await guard.run(env, admitted, async (place) => {
    const pipe = await pipeFor(hello, env, config, admitted, place);
    const run = async () => {
      await attach(wire, admitted.handshake, hello, pipe, place);
      await pipe.run();
    };
    if (hello.kind === 'open') return tally.follow(pipe.carried, run);
    // It carries nothing for anybody.
    if (hello.kind === 'check') tally.add({ checks: 1 });
    await run();
  });
}

async function pipeFor(hello: OpenHello, env: Env, config: Config, admitted: Admitted, place: Place): Promise<Pipe> {
  const onEnded = (code: Code | undefined): void => place.ended(code);
  if (hello.kind === 'check') return joinEcho(onEnded);
  if (hello.kind === 'status') return joinReport(await reportOf(env, config), onEnded);
  const backend = backendFor(hello.backend, config.backends, admitted.invite);
  return join(await openBackend(backend), backend.expects, onEnded);
}

async function attach(
  wire: RelayWire,
  handshake: Responder,
  hello: OpenHello,
  { session }: Pipe,
  place: Place,
): Promise<void> {
  if (hello.earlyData.length > 0) session.receive([{ type: 'data', offset: 0, bytes: hello.earlyData }]);
  const told = session.offsets();
  const transport = await sendGrant(wire, handshake, { resumable: false, session: EMPTY, ...told });
  if (wire.lost) return session.abandon('carrier-lost');
  const carrier = carry(wire, transport, {
    frames: (frames) => {
      place.begun();
      session.receive(frames);
    },
    failed: (code) => session.reset(code),
    lost: () => session.abandon('carrier-lost'),
  });
  session.attach(carrier, { received: 0, limit: hello.limit }, told, false);
}
