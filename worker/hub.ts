/**
 * The hub: a Durable Object that holds many sessions, so that they outlive their carriers. The Worker sends it the
 * upgrade requests of those who wish a resumable session; which hub a session lives in is part of its id.
 */
import { DurableObject } from 'cloudflare:workers';
import { toBase64url } from '../protocol/bytes.ts';
import { PuenteError } from '../protocol/errors.ts';
import type { OpenHello, ResumeHello } from '../protocol/hello.ts';
import { HUB_SESSIONS_MAX, TOMBSTONES_MAX } from '../protocol/limits.ts';
import type { Responder } from '../protocol/noise.ts';
import { type Admitted, admit, understood } from './admission.ts';
import { allowedAddress, openBackend } from './backends.ts';
import { type Config, configOf } from './config.ts';
import { Connects } from './connects.ts';
import type { Env } from './env.ts';
import { HeldSession, proves, type Tombstone } from './held.ts';
import { sessionId } from './hubs.ts';
import { join } from './pipe.ts';
import { Replays } from './replays.ts';
import { answer, type RelayWire } from './wire.ts';

export class Hub extends DurableObject<Env> {
  readonly #sessions = new Map<string, HeldSession>();
  /** Sessions that have ended, oldest first. */
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #replays = new Replays();
  readonly #connects = new Connects();

  /** Answers 101 to the sender of a hello that the Worker has let in; 404 where it is a replay. */
  override async fetch(request: Request): Promise<Response> {
    const config = await configOf(this.env);
    const admitted = await admit(request, config);
    if (!admitted || !this.#replays.isNew(admitted.handshake)) return new Response(null, { status: 404 });
    const { response } = answer(admitted, (wire) => this.#serve(wire, admitted, config));
    return response;
  }

  async #serve(wire: RelayWire, { handshake, hello }: Admitted, config: Config): Promise<void> {
    const known = understood(hello);
    if (known.kind === 'open') await this.#open(wire, handshake, known, config);
    else await this.#resume(wire, handshake, known);
  }

  async #open(wire: RelayWire, handshake: Responder, hello: OpenHello, config: Config): Promise<void> {
    if (this.#sessions.size + this.#connects.pending >= HUB_SESSIONS_MAX) throw new PuenteError('full');
    const address = allowedAddress(config.backends, hello.backend);
    const backend = await this.#connects.run(hello.backend, async () => {
      // Its turn is somebody else's.
      if (wire.lost) throw new PuenteError('full');
      return openBackend(address);
    });
    const id = sessionId(this.ctx.id.name);
    const key = toBase64url(id);
    const pipe = await join(backend, (code) => {
      const tombstone = this.#sessions.get(key)?.tombstone(code);
      this.#sessions.delete(key);
      if (tombstone) this.#remember(key, tombstone);
    });
    const session = new HeldSession(id, pipe, config.resumeTime);
    this.#sessions.set(key, session);
    await session.open(wire, handshake, hello);
    await pipe.run();
  }

  async #resume(wire: RelayWire, handshake: Responder, hello: ResumeHello): Promise<void> {
    const key = toBase64url(hello.session);
    const of = () => this.#sessions.get(key) ?? this.#tombstones.get(key);
    const secret = of()?.secret;
    const proven = secret && (await proves(secret, handshake.binding, hello.mac));
    // It may have ended, or another carrier may have come, while the proof was checked.
    const session = proven ? of() : undefined;
    if (!session || hello.carrier <= session.latest) throw new PuenteError('session-unknown');
    await session.resume(wire, handshake, hello);
  }

  #remember(key: string, tombstone: Tombstone): void {
    this.#tombstones.set(key, tombstone);
    for (const [oldest, { expires }] of this.#tombstones) {
      if (expires > Date.now() && this.#tombstones.size <= TOMBSTONES_MAX) break;
      this.#tombstones.delete(oldest);
    }
  }
}
