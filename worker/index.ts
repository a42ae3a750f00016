/**
 * The relay. A WebSocket upgrade with a valid hello becomes a carrier; to everything else this is an ordinary small
 * website.
 */
import { type Code, PuenteError } from '../protocol/errors.ts';
import { type Admitted, admit, handOver } from './admission/admission.ts';
import { HelloQuotas } from './admission/quotas.ts';
import { Replays } from './admission/replays.ts';
import { accessOf, type Config, configOf } from './config.ts';
import { deliverSoon, tally } from './counters/counters.ts';
import type { Env } from './env.ts';
import { hubFor } from './session/hubs.ts';
import { relay } from './session/plain.ts';
import { answer, type RelayWire } from './session/wire.ts';
import { decoy } from './strangers/decoy.ts';
import { site } from './strangers/site.tsx';

export { Hub } from './session/hub.ts';

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    readSettingsSoon(env, context);
    try {
      const admitted = await admit(request, env);
      const carrier = admitted && (await carrierFor(admitted, env, context));
      return carrier ?? (await website(request, env));
    } catch (error) {
      return inTrouble(error, request, env, context);
    }
  },
} satisfies ExportedHandler<Env>;

let areSettingsRead = false;

/**
 * Read the settings after the answer to the first request of any kind. The time of a later answer then does not show
 * that there are settings.
 */
function readSettingsSoon(env: Env, context: ExecutionContext): void {
  if (areSettingsRead) return;
  areSettingsRead = true;
  // Ignore errors here: the request that needs the settings reports them.
  context.waitUntil(scheduler.wait(0).then(() => configOf(env).catch(() => {})));
}

async function website(request: Request, env: Env): Promise<Response> {
  return accessOf(env) === 'open' ? site(request, { config: await configOf(env), env }) : decoy(request, env);
}

const replays = new Replays();
const quotas = new HelloQuotas();

/** The answer to a hello; `undefined` for one that is a stranger's after all. */
async function carrierFor(admitted: Admitted, env: Env, context: ExecutionContext): Promise<Response | undefined> {
  const { handshake, hello } = admitted;
  // Look for a replay here: a hub would know the hello as well, but is further away. An overloaded hub cannot answer.
  if (replays.has(handshake.clientEphemeral)) return undefined;
  const quota = quotas.count(admitted);
  if (quota === 'stranger') return undefined;
  const isRemembered = replays.remember(handshake.clientEphemeral, hello.time);
  const config = await configOf(env);
  const here = (run: (wire: RelayWire) => Promise<void>) => answerHere(admitted, run, env, config, context);
  if (!isRemembered || quota === 'limited') return here(() => refusedWith(isRemembered ? 'limited' : 'full'));
  const hub = hubFor(admitted, config, env.HUB);
  return hub ? inHub(admitted, hub, here) : here((wire) => relay(wire, admitted, env, config));
}

function refusedWith(code: Code): Promise<never> {
  return Promise.reject(new PuenteError(code));
}

/** A plain session, in this invocation; or a refusal. */
async function answerHere(
  admitted: Admitted,
  run: (wire: RelayWire) => Promise<void>,
  env: Env,
  config: Config,
  context: ExecutionContext,
): Promise<Response> {
  const { response, ended } = answer(admitted, (wire) => tally.during(() => run(wire)));
  const delivered = () => deliverSoon(env, config);
  // The request outlasts its WebSocket: what a client wrote before it left is still on its way to the backend.
  context.waitUntil(ended.finally(delivered));
  // Deliver now as well: the session may last for hours.
  context.waitUntil(delivered());
  return response;
}

/** A session that outlives its carriers. */
async function inHub(
  admitted: Admitted,
  hub: Fetcher,
  here: (run: () => Promise<never>) => Promise<Response>,
): Promise<Response | undefined> {
  try {
    const response = await hub.fetch(handOver(admitted));
    return response.status === 101 ? response : undefined;
  } catch {
    // Cloudflare is moving the hub, or the hub is overloaded.
    return here(() => refusedWith('full'));
  }
}

/** Open: show the configuration error. Private: always the decoy. */
function inTrouble(
  error: unknown,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Response | Promise<Response> {
  const problem = error instanceof PuenteError ? error.message : undefined;
  if (accessOf(env) === 'open') {
    if (problem === undefined) throw error;
    return site(request, { problem });
  }
  // Report a bug of ours: Cloudflare counts the rejection among the Worker's exceptions.
  if (problem === undefined) context.waitUntil(Promise.reject(error));
  return decoy(request, env);
}
