/**
 * A plain session, which lives and dies with its carrier: backend, grant, carrier, pipe. A check is a plain session
 * with an echo for its backend. A status is a plain session with the counts for its backend.
 */
import { EMPTY } from '../../protocol/bytes.ts';
import type { OpenHello } from '../../protocol/carrier/hello.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { type Admitted, understood } from '../admission/admission.ts';
import { backendFor } from '../admission/backends.ts';
import { Guard } from '../admission/guard.ts';
import type { Slot } from '../admission/slots.ts';
import { clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { reportOf, tally } from '../counters/counters.ts';
import type { Env } from '../env.ts';
import { Carriers } from './carriers.ts';
import { joinEcho } from './echo.ts';
import { openBackend } from './open-backend.ts';
import { open } from './opening.ts';
import { join, type Pipe } from './pipe.ts';
import { joinReport } from './report.ts';
import type { Granting, RelayWire } from './wire.ts';

/**
 * Sessions that an isolate holds beside the sessions of its hubs. With their first windows they take all the memory
 * that windows may take.
 */
const PLAIN_SESSIONS_MAX = 1024;

const guard = new Guard(PLAIN_SESSIONS_MAX);

const PLAIN: Granting = { resumable: false, patience: 0, session: EMPTY };

/** Resolves when the session has ended and its backend's connection is closed. */
export async function relay(wire: RelayWire, admitted: Admitted, env: Env, config: Config): Promise<void> {
  const hello = understood(admitted.hello);
  // No session here outlives its carrier.
  if (hello.kind === 'resume') throw new PuenteError('session-unknown');
  await guard.run(env, admitted, async (slot, ended) => {
    const pipe = await pipeFor(hello, env, config, admitted, slot, ended);
    slot.displaced.signal.addEventListener('abort', () => pipe.session.abandon('carrier-lost'));
    const carriers = new Carriers(pipe.session, clock, 0, {
      heard() {
        slot.isCarried = true;
      },
      waits() {},
    });
    const run = async () => {
      await open(wire, admitted.handshake, hello, pipe.session, carriers, PLAIN);
      await pipe.run();
    };
    if (hello.kind === 'open') return tally.follow(pipe.carried, run);
    // Count no bytes: a check or a status carries nothing for anybody.
    if (hello.kind === 'check') tally.add({ checks: 1 });
    await run();
  });
}

async function pipeFor(
  hello: OpenHello,
  env: Env,
  config: Config,
  admitted: Admitted,
  slot: Slot,
  onEnded: (code: Code | undefined) => void,
): Promise<Pipe> {
  if (hello.kind === 'check') return joinEcho(onEnded);
  if (hello.kind === 'status') return joinReport(await reportOf(env, config), onEnded);
  const backend = backendFor(hello.backend, config.backends, admitted.invite);
  const connection = await openBackend(backend, slot.displaced.signal);
  // Ask the client with each keepalive (0): answers cost nothing here.
  return join(connection, backend.expects, 0, { ended: onEnded });
}
