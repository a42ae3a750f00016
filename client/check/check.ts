/** The check goes the whole way through a relay, stage by stage. It reports where the way ends, and what to do then. */
import { type Code, PuenteError } from '../../protocol/errors.ts';
import { HELLO_AGE_MAX } from '../../protocol/limits.ts';
import { parseLink, type RelayAddress } from '../../protocol/permits/link.ts';
import '../../protocol/sentences.ts';
import { backendName, type SocketAddress } from '../address.ts';
import type { Runtime } from '../runtime.ts';
import { narrow } from './diagnosis.ts';
import type { Speech } from './greeting.ts';
import { NEXT_STEPS } from './next-steps.ts';
import { askBackend, discover, sendBulk, type Target } from './probes.ts';
import { type CheckedStage, type Stage, Stages } from './stages.ts';

export type { CheckedStage, Stage } from './stages.ts';

/** The most relays that one client checks at a time. */
const CHECKS_AT_ONCE = 3;

export interface RelayReport {
  /** The relay's bare address, without the invite that a link may hold. */
  relay: string;
  /** Whether the backend's bytes came back, and 64 KiB went both ways, unless the relay did not try the 64 KiB. */
  ok: boolean;
  /** What is wrong. For a relay that works: what a person should know about it. */
  code: Code | null;
  /** The meaning of the code in a sentence, or `It works.` */
  message: string;
  /** What to do. */
  next: string | null;
  stages: CheckedStage[];
}

export interface Report {
  /** In the order of the relays given. */
  relays: RelayReport[];
}

export interface CheckOptions {
  /**
   * The backend that must answer, `host:port`: with TLS, or for `whatsapp://host:port` as WhatsApp's servers do.
   * Default: `whatsapp://g.whatsapp.net:5222`. `null`: no backend is asked, and the stages `backend` and `answer` are
   * left out.
   */
  backend?: SocketAddress | string | null;
  /** Called with each stage when the stage is over. */
  onStage?(relay: string, stage: CheckedStage): void;
}

/** @throws PuenteError `address-invalid` for the backend; a relay's failure stands in its report */
export async function checkThrough(
  runtime: Runtime,
  relays: string | readonly string[],
  { backend = 'whatsapp://g.whatsapp.net:5222', onStage = () => {} }: CheckOptions,
): Promise<Report> {
  const target = backend === null ? undefined : targetOf(backend);
  const links = (typeof relays === 'string' ? [relays] : relays).entries();
  const reports: RelayReport[] = [];
  const checkNext = async (): Promise<void> => {
    for (const [index, link] of links) reports[index] = await new RelayCheck(link, runtime, target, onStage).run();
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, checkNext));
  return { relays: reports };
}

function targetOf(address: SocketAddress | string): Target {
  const [, speech = 'tls', rest = ''] =
    typeof address === 'string' ? (/^(?:(tls|whatsapp):\/\/)?(.*)$/s.exec(address) ?? []) : [];
  const backend = backendName(typeof address === 'string' ? rest : address);
  return { backend, host: backend.slice(0, backend.lastIndexOf(':')), speech: speech as Speech };
}

const TLS: readonly Stage[] = ['tls'];
const OF_BACKEND: readonly Stage[] = ['backend', 'answer'];

/** Remarks about a relay that works. */
const REMARKS = {
  'clock-off': 'It works, though the clock of this device is wrong.',
  limited: 'It works. Whether the network lets much through was not tried: the relay lets that be done once a minute.',
  version: 'It works. Whether the network lets much through was not tried: the relay is of a version that cannot.',
};

/** The only part that is shown of a text that is no link: a host, too short to be a link's word. */
const HOST = /^(?:https?:\/\/)?[\w.-]{1,58}(?::\d+)?(?=$|[/?#])/i;

class RelayCheck {
  readonly #link: string;
  readonly #runtime: Runtime;
  /** `undefined`: check the relay alone. */
  readonly #target: Target | undefined;
  readonly #stages: Stages;
  #name: string;
  /** The remark about a relay that works. */
  #remark: keyof typeof REMARKS | undefined;

  constructor(
    link: string,
    runtime: Runtime,
    target: Target | undefined,
    onStage: (relay: string, stage: CheckedStage) => void,
  ) {
    this.#link = link;
    this.#runtime = runtime;
    this.#target = target;
    this.#stages = new Stages((stage) => onStage(this.#name, stage));
    this.#name = HOST.exec(link.trim())?.[0] ?? '';
  }

  async run(): Promise<RelayReport> {
    try {
      const address = parseLink(this.#link);
      this.#name = address.url;
      await this.#wayThrough(address).catch(async (error: unknown) => {
        throw await narrow(error, address, this.#stages);
      });
      return this.#report(undefined);
    } catch (error) {
      if (!(error instanceof PuenteError)) throw error;
      if (error.code !== 'link-invalid') this.#stages.fail(error.code, this.#leftOut);
      return this.#report(error);
    }
  }

  async #wayThrough(address: RelayAddress): Promise<void> {
    const [runtime, stages] = [this.#runtime, this.#stages];
    if (!address.key) await discover(address, runtime, stages);
    if (this.#target) {
      await askBackend(this.#target, this.#link, runtime, stages);
      if (Math.abs(stages.late) > HELLO_AGE_MAX) this.#remark = 'clock-off';
    }
    const untried = await sendBulk(this.#link, runtime, stages);
    this.#remark ??= untried;
  }

  get #leftOut(): readonly Stage[] {
    return [...(this.#name.startsWith('http:') ? TLS : []), ...(this.#target ? [] : OF_BACKEND)];
  }

  #report(error: PuenteError | undefined): RelayReport {
    const code = error?.code ?? this.#remark ?? null;
    const message = error?.message ?? (this.#remark ? REMARKS[this.#remark] : 'It works.');
    return {
      relay: this.#name,
      ok: !error,
      code,
      message,
      next: code && NEXT_STEPS[code],
      stages: this.#stages.checked,
    };
  }
}
