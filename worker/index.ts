/**
 * The relay's front door. A WebSocket upgrade with a valid hello becomes a carrier. Every other request finds an
 * ordinary small website. Every request takes the same steps. The last lines before the exports give the order.
 */
import type { Context, ErrorHandler, MiddlewareHandler } from 'hono';
import { Hono } from 'hono/tiny';
import { type Code, PuenteError } from '../protocol/errors.ts';
import { type Admitted, admit, handOver } from './admission/admission.ts';
import { HelloQuotas } from './admission/quotas.ts';
import { Replays } from './admission/replays.ts';
import { accessOf, configOf } from './config.ts';
import { deliverSoon, tally } from './counters/counters.ts';
import type { Env } from './env.ts';
import { hubFor } from './session/hubs.ts';
import { relay } from './session/plain.ts';
import { answer, type RelayWire } from './session/wire.ts';
import { decoy } from './strangers/decoy.ts';
import { site } from './strangers/site.tsx';

interface FrontDoor {
  Bindings: Env;
  Variables: { admitted: Admitted | undefined };
}

type Step = MiddlewareHandler<FrontDoor>;
type Visit = Context<FrontDoor>;

// --- settings

let areSettingsRead = false;

/**
 * Read the settings after the answer to the first request of any kind. The time of a later answer then does not show
 * that there are settings.
 */
const settings: Step = async (c, next) => {
  if (!areSettingsRead) {
    areSettingsRead = true;
    // Ignore errors here: the request that needs the settings reports them.
    c.executionCtx.waitUntil(scheduler.wait(0).then(() => configOf(c.env).catch(() => {})));
  }
  await next();
};

// --- admission

const replays = new Replays();
const quotas = new HelloQuotas();

const admission: Step = async (c, next) => {
  c.set('admitted', await admit(c.req.raw, c.env));
  await next();
};

// --- carrier

/** Answers a hello with a carrier. If the hello turns out to be a stranger's, the website answers. */
const carrier: Step = async (c, next) => {
  const admitted = c.get('admitted');
  return (admitted && (await carrierFor(admitted, c))) ?? next();
};

async function carrierFor(admitted: Admitted, c: Visit): Promise<Response | undefined> {
  const { handshake, hello } = admitted;
  // Look for a replay here: a hub would know the hello as well, but is further away. An overloaded hub cannot answer.
  if (replays.has(handshake.clientEphemeral)) return undefined;
  const quota = quotas.count(admitted);
  if (quota === 'stranger') return undefined;
  const isRemembered = replays.remember(handshake.clientEphemeral, hello.time);
  if (!isRemembered) return refuse('full', admitted, c);
  if (quota === 'limited') return refuse('limited', admitted, c);
  const config = await configOf(c.env);
  const hub = hubFor(admitted, config, c.env.HUB);
  return hub ? inHub(hub, admitted, c) : inThisRequest((wire) => relay(wire, admitted, c.env, config), admitted, c);
}

/** Serves a session that outlives its carriers. */
async function inHub(hub: Fetcher, admitted: Admitted, c: Visit): Promise<Response | undefined> {
  try {
    const response = await hub.fetch(handOver(admitted));
    return response.status === 101 ? response : undefined;
  } catch {
    // Cloudflare is moving the hub, or the hub is overloaded.
    return refuse('full', admitted, c);
  }
}

function refuse(code: Code, admitted: Admitted, c: Visit): Promise<Response> {
  return inThisRequest(() => Promise.reject(new PuenteError(code)), admitted, c);
}

/** Serves a plain session, or a refusal. Each lives as long as this request. */
async function inThisRequest(
  run: (wire: RelayWire) => Promise<void>,
  admitted: Admitted,
  { env, executionCtx }: Visit,
): Promise<Response> {
  const config = await configOf(env);
  const { response, ended } = answer(admitted, (wire) => tally.during(() => run(wire)));
  const deliverCounts = () => deliverSoon(env, config);
  // Let the request outlast its WebSocket: the client's last bytes are still on their way to the backend.
  executionCtx.waitUntil(ended.finally(deliverCounts));
  // Deliver now as well: the session may last for hours.
  executionCtx.waitUntil(deliverCounts());
  return response;
}

// --- site or decoy

const website: Step = async ({ req, env }) =>
  accessOf(env) === 'open' ? site(req.raw, { config: await configOf(env), env }) : decoy(req.raw, env);

// --- trouble

/** Open: show the configuration error. Private: always the decoy. */
const trouble: ErrorHandler<FrontDoor> = (error, { req, env, executionCtx }) => {
  const problem = error instanceof PuenteError ? error.message : undefined;
  // Report a bug of ours: Cloudflare counts the rejection among the Worker's exceptions.
  if (problem === undefined) executionCtx.waitUntil(Promise.reject(error));
  if (accessOf(env) === 'invite') return decoy(req.raw, env);
  return problem === undefined ? new Response('Internal Server Error', { status: 500 }) : site(req.raw, { problem });
};

// --- the order

/**
 * Answers to HEAD as the steps gave them. Hono builds these answers anew and drops `Content-Length`. The answers of a
 * plain Worker have a `Content-Length`.
 */
const answersToHead = new WeakMap<Request, Response>();

const keepAnswerToHead: Step = async (c, next) => {
  await next();
  if (c.req.method === 'HEAD') answersToHead.set(c.req.raw, c.res);
};

/** No step looks at the path: a stranger may send a path that cannot be read. */
const app = new Hono<FrontDoor>({ getPath: () => '/' });
app.use(keepAnswerToHead, settings, admission, carrier, website);
app.onError(trouble);

export { Hub } from './session/hub.ts';

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const response = await app.fetch(request, env, context);
    return answersToHead.get(request) ?? response;
  },
} satisfies ExportedHandler<Env>;
