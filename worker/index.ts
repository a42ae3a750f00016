/**
 * The relay's front door. A WebSocket upgrade with a valid hello becomes a carrier. Every other request finds an
 * ordinary small website. Every request takes the same steps. The last lines before the exports give the order.
 */
import type { Context, ErrorHandler, MiddlewareHandler, Next } from 'hono';
import { Hono } from 'hono/quick';
import { type Code, PuenteError } from '../protocol/errors.ts';
import { type Admitted, admit, handOver, isUpgrade } from './admission/admission.ts';
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
const settings: Step = (c, next) => {
  if (!areSettingsRead) {
    areSettingsRead = true;
    // Ignore errors here: the request that needs the settings reports them.
    c.executionCtx.waitUntil(scheduler.wait(0).then(() => configOf(c.env).catch(() => {})));
  }
  return next();
};

// --- admission

const replays = new Replays();
const quotas = new HelloQuotas();

/** A visit that is no upgrade costs no more than at any website: no promise is made for it. */
const admission: Step = (c, next) => (isUpgrade(c.req.raw) ? readHello(c, next) : next());

async function readHello(c: Visit, next: Next): Promise<void> {
  c.set('admitted', await admit(c.req.raw, c.env));
  await next();
}

// --- carrier

/** Answers a hello with a carrier. If the hello turns out to be a stranger's, the website answers. */
const carrier: Step = (c, next) => {
  const admitted = c.get('admitted');
  return admitted ? carrierOr(next, admitted, c) : next();
};

async function carrierOr(next: Next, admitted: Admitted, c: Visit): Promise<Response | undefined> {
  const response = await carrierFor(admitted, c);
  if (!response) await next();
  return response;
}

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

const website: Step = async (c) => {
  const { env } = c;
  const { raw } = c.req;
  if (accessOf(env) === 'invite') return kept(c, await decoy(raw, env));
  return kept(c, await site(raw, { config: await configOf(env), env }));
};

/**
 * Answers to HEAD as the website gave them. Hono builds these answers anew and drops `Content-Length`. The answers of a
 * plain Worker have a `Content-Length`.
 */
const answersToHead = new WeakMap<Request, Response>();

function kept({ req }: Visit, response: Response): Response {
  if (req.method === 'HEAD') answersToHead.set(req.raw, response);
  return response;
}

// --- trouble

/** Open: show the configuration error. Private: always the decoy. */
const trouble: ErrorHandler<FrontDoor> = async (error, c) => {
  const { req, env, executionCtx } = c;
  const problem = error instanceof PuenteError ? error.message : undefined;
  // Report a bug of ours: Cloudflare counts the rejection among the Worker's exceptions.
  if (problem === undefined) executionCtx.waitUntil(Promise.reject(error));
  if (accessOf(env) === 'invite') return kept(c, await decoy(req.raw, env));
  if (problem !== undefined) return kept(c, await site(req.raw, { problem }));
  return new Response('Internal Server Error', { status: 500 });
};

// --- the order

/** No step looks at the path: a stranger may send a path that cannot be read. */
const app = new Hono<FrontDoor>({ getPath: () => '/' });
app.use(settings, admission, carrier, website);
app.onError(trouble);

export { Hub } from './session/hub.ts';

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const response = await app.fetch(request, env, context);
    return answersToHead.get(request) ?? response;
  },
} satisfies ExportedHandler<Env>;
