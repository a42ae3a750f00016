/**
 * The hub: a Durable Object that holds many sessions, so that they outlive their carriers. The Worker sends the hub the
 * upgrade requests of clients that ask for a resumable session. The id of a session names the session's hub.
 */
import { DurableObject } from 'cloudflare:workers';
import { toBase64url } from '../../protocol/bytes.ts';
import type { OpenHello, ResumeHello } from '../../protocol/carrier/hello.ts';
import type { Responder } from '../../protocol/carrier/noise.ts';
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { type Admitted, handedOver, understood } from '../admission/admission.ts';
import { backendFor } from '../admission/backends.ts';
import { Guard } from '../admission/guard.ts';
import { inviteName } from '../admission/holders.ts';
import { Replays } from '../admission/replays.ts';
import type { Slot } from '../admission/slots.ts';
import { type Config, configOf } from '../config.ts';
import { Ledger, type LedgerDay } from '../counters/ledger.ts';
import type { Counts } from '../counters/tally.ts';
import type { Env, HubCalls } from '../env.ts';
import { Connects } from './connects.ts';
import { ASK_AFTER, HUB_SESSIONS_MAX, sessionId } from './hubs.ts';
import { openBackend } from './open-backend.ts';
import { join } from './pipe.ts';
import { HeldSession, proves, type Tombstone } from './resumable.ts';
import { Vigil } from './vigil.ts';
import { answer, type RelayWire } from './wire.ts';

/** Ended sessions that clients may still ask for. Each takes a secret, two offsets and a code. */
const TOMBSTONES_MAX = 1024;

export class Hub extends DurableObject<Env> implements HubCalls {
  readonly #sessions = new Map<string, HeldSession>();
  /** Sessions whose backend connection is open. An ended session may still have bytes to write to its backend. */
  readonly #running = new Set<HeldSession>();
  /** Sessions that have ended, oldest first. */
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #replays = new Replays();
  readonly #connects = new Connects();
  readonly #guard = new Guard(HUB_SESSIONS_MAX);
  readonly #ledger = new Ledger(this.ctx.storage);
  readonly #vigil = new Vigil(this.ctx.storage, () => this.#waits);

  /** Answers 101 to a client that the Worker has admitted. Answers 404 to a replay, or if the proof is wrong. */
  override async fetch(request: Request): Promise<Response> {
    const config = await configOf(this.env);
    const admitted = handedOver(request, config);
    const { handshake, hello } = admitted;
    const isReplay = this.#replays.has(handshake.clientEphemeral);
    // Remember the hello before any `await`: the same hello may come twice at the same time.
    const isRemembered = !isReplay && this.#replays.remember(handshake.clientEphemeral, hello.time);
    if (isReplay || !(await this.#isProven(handshake, hello))) return new Response(null, { status: 404 });
    const serve = (wire: RelayWire) =>
      isRemembered ? this.#serve(wire, admitted, config) : Promise.reject(new PuenteError('full'));
    const { response } = answer(admitted, (wire) => this.#counted(config, () => serve(wire)));
    return response;
  }

  /** Takes the counts of an isolate of the Worker. Only the Worker can call this. */
  async add(counts: Counts): Promise<void> {
    // An isolate may have counted before the counters were turned off.
    if ((await configOf(this.env)).counters) this.#ledger.add(counts);
  }

  /** Daily counts. Only the Worker can call this. */
  days(): LedgerDay[] {
    return this.#ledger.days();
  }

  override alarm(): void {
    this.#vigil.alarm();
  }

  get #waits(): boolean {
    return this.#tombstones.size > 0 || [...this.#running].some(({ isWaiting }) => isWaiting);
  }

  async #counted({ counters }: Config, serve: () => Promise<void>): Promise<void> {
    if (counters) return this.#ledger.during(serve);
    this.#ledger.forget();
    return serve();
  }

  /** Checks a resume of a session in this hub: the client has to prove that it opened the session. */
  async #isProven({ binding }: Responder, hello: Admitted['hello']): Promise<boolean> {
    const held = hello.kind === 'resume' ? this.#held(hello) : undefined;
    return !held || proves(held.secret, binding, (hello as ResumeHello).mac);
  }

  #held({ session }: ResumeHello): HeldSession | Tombstone | undefined {
    const key = toBase64url(session);
    return this.#sessions.get(key) ?? this.#tombstones.get(key);
  }

  async #serve(wire: RelayWire, admitted: Admitted, config: Config): Promise<void> {
    const hello = understood(admitted.hello);
    if (hello.kind === 'resume') return this.#resume(wire, admitted, hello);
    await this.#guard.run(this.env, admitted, (slot, ended) => this.#open(wire, admitted, hello, config, slot, ended));
  }

  async #open(
    wire: RelayWire,
    admitted: Admitted,
    hello: OpenHello,
    config: Config,
    slot: Slot,
    ended: (code: Code | undefined) => void,
  ): Promise<void> {
    const backend = backendFor(hello.backend, config.backends, admitted.invite);
    const { holder, displaced } = slot;
    const address = `${backend.host}:${backend.port}`;
    const connection = await this.#connects.run(holder.group, address, displaced.signal, async (over) => {
      // The client left while it waited: skip the connect.
      if (wire.lost) throw new PuenteError('full');
      return openBackend(backend, over);
    });
    const id = sessionId(this.ctx.id.name);
    const key = toBase64url(id);
    const pipe = await join(connection, backend.expects, ASK_AFTER, {
      stalled: () => this.#sessions.get(key)?.dropCarrier(),
      ended: (code) => {
        ended(code);
        const tombstone = this.#sessions.get(key)?.tombstone(code);
        this.#sessions.delete(key);
        if (tombstone) this.#remember(key, tombstone);
        this.#vigil.begin();
      },
    });
    const title = { id, invite: inviteName(admitted), patience: config.resumeTime };
    const session = new HeldSession(title, pipe, slot, () => this.#vigil.begin());
    this.#sessions.set(key, session);
    this.#running.add(session);
    const run = async () => {
      await session.open(wire, admitted.handshake, hello);
      await pipe.run();
    };
    await this.#ledger.tally.follow(pipe.carried, run).finally(() => this.#running.delete(session));
  }

  async #resume(wire: RelayWire, admitted: Admitted, hello: ResumeHello): Promise<void> {
    const session = this.#held(hello);
    const isNext = session && hello.carrier > session.latest;
    if (!isNext || inviteName(admitted) !== session.title.invite) throw new PuenteError('session-unknown');
    await session.resume(wire, admitted.handshake, hello);
  }

  #remember(key: string, tombstone: Tombstone): void {
    this.#tombstones.set(key, tombstone);
    // A pending timer also keeps an unused hub in memory: without a timer the hub would be gone after ten seconds.
    tombstone.timer = setTimeout(() => this.#tombstones.delete(key), tombstone.title.patience);
    const [oldest] = this.#tombstones;
    if (!oldest || this.#tombstones.size <= TOMBSTONES_MAX) return;
    clearTimeout(oldest[1].timer);
    this.#tombstones.delete(oldest[0]);
  }
}
