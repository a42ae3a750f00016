/** The stages of a check: which are over, and with what result, as the runtime and the probes see it. */
import type { Code, PuenteError } from '../../protocol/errors.ts';
import type { DialStage, Runtime } from '../runtime.ts';

/**
 * In order: the relay's name, a connection, TLS, an HTTP answer, 101 as that answer, the relay's grant, the backend's
 * connection, the backend's first bytes, 64 KiB to the relay and back. A browser sees the first five as one, `hello`.
 * An address that is no name has no `dns`.
 */
export type Stage = DialStage | 'grant' | 'backend' | 'answer' | 'bulk';

export interface CheckedStage {
  stage: Stage;
  ok: boolean;
  /** Milliseconds since the previous stage. */
  ms: number;
}

const ORDER: readonly Stage[] = ['dns', 'tcp', 'tls', 'upgrade', 'hello', 'grant', 'backend', 'answer', 'bulk'];

/** The stage that failed when no stage was seen before. */
const FIRST: Partial<Record<Code, Stage>> = { 'name-unknown': 'dns', refused: 'tcp', 'no-answer': 'tcp' };

/** Refusals that are only about the backend: the relay's own part, up to the grant, has succeeded. */
const OF_BACKENDS: readonly Code[] = ['backend-not-allowed', 'backend-down'];

export class Stages {
  /** The stages that are over, in order. */
  readonly checked: CheckedStage[] = [];
  /** How far this device's clock is behind the host's, in milliseconds, where the host tells. */
  late = 0;
  readonly #onStage: (stage: CheckedStage) => void;
  #since = performance.now();

  constructor(onStage: (stage: CheckedStage) => void) {
    this.#onStage = onStage;
  }

  pass(stage: Stage): void {
    if (!this.hasPassed(stage)) this.#end(stage, true);
  }

  hasPassed(stage: Stage): boolean {
    return this.checked.some((passed) => passed.stage === stage);
  }

  /**
   * Ends the stage that failed with this code.
   * @param leftOut stages that this check does not have
   */
  fail(code: Code, leftOut: readonly Stage[]): void {
    this.#end(this.#failedAt(code, leftOut), false);
  }

  #failedAt(code: Code, leftOut: readonly Stage[]): Stage {
    const last = this.checked.at(-1);
    if (!last) return FIRST[code] ?? 'hello';
    if (OF_BACKENDS.includes(code)) {
      this.pass('grant');
      return 'backend';
    }
    const order = ORDER.filter((stage) => !leftOut.includes(stage));
    return order[order.indexOf(last.stage) + 1] ?? 'bulk';
  }

  #end(stage: Stage, ok: boolean): void {
    const now = performance.now();
    const ended = { stage, ok, ms: Math.round(now - this.#since) };
    this.#since = now;
    this.checked.push(ended);
    this.#onStage(ended);
  }

  /** The runtime, with a record of how far each WebSocket gets. */
  observed(runtime: Runtime): Runtime {
    return {
      ...runtime,
      dial: (url, protocols, events, resumeTls) => {
        const observed = {
          message: (data: unknown) => {
            this.pass('hello');
            events.message(data);
          },
          passed: (stage: DialStage) => this.pass(stage),
          closed: (error: PuenteError, date?: Date) => {
            if (date) this.late = date.getTime() - Date.now();
            events.closed(error, date);
          },
        };
        return runtime.dial(url, protocols, observed, resumeTls);
      },
    };
  }
}
