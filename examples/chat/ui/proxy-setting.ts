/**
 * The setting Proxy: whether a proxy is used, which one, and what its check has found. The setting knows nothing of its
 * looks, so another app can take it.
 */
import type { CheckedStage, RelayReport } from 'puente';
import { checkRelays, type ServerAddress } from '../net/chat.ts';
import { objectsIn, read, write } from './kept.ts';
import { addressesIn, isAddress, isBare, isSameRelay, pinned } from './proxy-address.ts';

/** The result of a check in today's network: it is not kept for a later visit. */
export interface Verdict extends Pick<RelayReport, 'ok' | 'code' | 'message' | 'next'> {
  /** Milliseconds from the start to the chat server's answer. */
  connectedIn: number;
  /** The address was bare. The relay was asked for its key, and the setting keeps the key from now on. */
  isPinned: boolean;
}

export interface SavedProxy {
  /** A link, or a bare address whose relay was not reached yet. */
  address: string;
  /** The result of the last check. */
  verdict?: Verdict;
}

interface Kept {
  isOn: boolean;
  address: string;
  saved: SavedProxy[];
}

const SAVED_MAX = 8;

export class ProxySetting {
  #kept: Kept;
  /** The stages of the running check. */
  #stages: CheckedStage[] | undefined;
  /** The result for a text that could not be saved. */
  #refusal: Verdict | undefined;
  /** The number of the latest wish: work for an earlier wish ends. */
  #turn = 0;
  #uses = 0;
  readonly #server: ServerAddress;
  readonly #changed: () => void;

  /** @param changed called when the page must show something anew, or when {@link relay} is another one */
  constructor(server: ServerAddress, changed: () => void) {
    this.#server = server;
    this.#changed = changed;
    this.#kept = keptSetting();
  }

  // --- what is so ---------------------------------------------------------------------------------------------------

  /** The relay that the app's sockets go through. */
  get relay(): string | undefined {
    return this.#kept.isOn && this.address ? this.address : undefined;
  }

  get isOn(): boolean {
    return this.#kept.isOn;
  }

  get address(): string {
    return this.#kept.address;
  }

  /** How often an address was put to use. The number changes with each use, also when {@link address} does not. */
  get uses(): number {
    return this.#uses;
  }

  get saved(): readonly SavedProxy[] {
    return this.#kept.saved;
  }

  /** The stages that the check has been through; nothing while no check runs. */
  get stages(): readonly CheckedStage[] | undefined {
    return this.#stages;
  }

  get verdict(): Verdict | undefined {
    if (this.#refusal || !this.isOn) return this.#refusal;
    return this.#find(this.address)?.verdict;
  }

  /** The address after this one in the list; after the last comes the first. */
  get next(): string | undefined {
    const { saved, address } = this.#kept;
    const at = saved.findIndex((proxy) => proxy.address === address);
    const next = saved[(at + 1) % saved.length]?.address;
    return next === address ? undefined : next;
  }

  #find(address: string): SavedProxy | undefined {
    return this.#kept.saved.find((proxy) => proxy.address === address);
  }

  // --- what a person does -------------------------------------------------------------------------------------------

  turn(isOn: boolean): Promise<void> {
    this.#stop();
    this.#keep({ isOn });
    return isOn && this.address ? this.check() : Promise.resolve();
  }

  /**
   * Saves the address, whether it works or not: perhaps only the network does not work for now. Refuses only a text
   * that is no address at all.
   */
  async save(text: string): Promise<void> {
    const turn = this.#stop();
    const [first, ...others] = addressesIn(text).slice(0, SAVED_MAX);
    if (first) {
      this.remember([first, ...others]);
      return this.#check(turn, first);
    }
    const { relays } = await checkRelays([text], this.#server);
    if (turn === this.#turn) this.#refusal = verdictOf(relays[0] as RelayReport, [], false);
    this.#changed();
  }

  /** Adds addresses to the list, for {@link next}. */
  remember(addresses: string[]): void {
    const added = addresses.filter((address) => !this.#find(address)).map((address) => ({ address }));
    const saved = [...this.saved, ...added];
    const isOld = ({ address }: SavedProxy): boolean => address !== this.address && !addresses.includes(address);
    while (saved.length > SAVED_MAX) saved.splice(saved.findIndex(isOld), 1);
    this.#keep({ saved });
  }

  /** Removes an address. When the address was in use, the next one is used. */
  forget(address: string): Promise<void> {
    const { next, isOn } = this;
    const saved = this.saved.filter((proxy) => proxy.address !== address);
    if (address !== this.address) {
      this.#keep({ saved });
      return Promise.resolve();
    }
    this.#stop();
    this.#keep({ saved, address: next ?? '', isOn: isOn && next !== undefined });
    return this.isOn ? this.check() : Promise.resolve();
  }

  /** Drops the refusal: the user no longer looks at the text that could not be saved. */
  excuse(): void {
    if (!this.#refusal) return;
    this.#refusal = undefined;
    this.#changed();
  }

  /** Checks the proxy in use, for a person who comes to look: an earlier result may be from another network. */
  look(): Promise<void> {
    return this.relay === undefined || this.#stages ? Promise.resolve() : this.check();
  }

  check(): Promise<void> {
    return this.#check(this.#stop(), this.address);
  }

  // --- the check ----------------------------------------------------------------------------------------------------

  #stop(): number {
    this.#stages = undefined;
    this.#refusal = undefined;
    this.#turn += 1;
    return this.#turn;
  }

  async #check(turn: number, wished: string): Promise<void> {
    const stages: CheckedStage[] = [];
    const show = (): void => {
      if (turn !== this.#turn) return;
      this.#stages = [...stages];
      this.#changed();
    };
    show();
    const known = this.#linkTo(wished);
    const address = known ?? (await pinned(wished));
    if (turn !== this.#turn) return;
    this.#uses += 1;
    this.#keep({ isOn: true, address, saved: replaced(this.saved, wished, { address }) });
    const { relays } = await checkRelays([address], this.#server, (_, stage) => {
      stages.push(stage);
      show();
    });
    if (turn !== this.#turn) return;
    this.#stages = undefined;
    const verdict = verdictOf(relays[0] as RelayReport, stages, !known && !isBare(address));
    this.#keep({ saved: replaced(this.saved, address, { address, verdict }) });
  }

  /** The known link to a relay, so that a relay whose key is kept is not asked for the key again. */
  #linkTo(wished: string): string | undefined {
    const isIt = ({ address }: SavedProxy): boolean => !isBare(address) && isSameRelay(address, wished);
    return isBare(wished) ? this.saved.find(isIt)?.address : wished;
  }

  #keep(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change };
    const { saved } = this.#kept;
    write('proxy', { ...this.#kept, saved: saved.map(({ address }) => ({ address })) });
    this.#changed();
  }
}

function keptSetting(): Kept {
  const { isOn, address, saved } = Object(read('proxy')) as Record<string, unknown>;
  const addresses = objectsIn(saved)
    .map((proxy) => proxy.address)
    .filter(isAddress)
    .slice(0, SAVED_MAX);
  const used = addresses.find((known) => known === address) ?? '';
  return { isOn: isOn === true, address: used, saved: addresses.map((known) => ({ address: known })) };
}

/** The list with `proxy` in the place of `old`, and with no address twice. */
function replaced(saved: readonly SavedProxy[], old: string, proxy: SavedProxy): SavedProxy[] {
  const at = saved.findIndex(({ address }) => address === old);
  const others = saved.filter(({ address }) => address !== old && address !== proxy.address);
  return others.toSpliced(at, 0, proxy);
}

function verdictOf(report: RelayReport, stages: CheckedStage[], isPinned: boolean): Verdict {
  const { ok, code, message, next } = report;
  const ofAnswer = stages.slice(0, 1 + stages.findIndex(({ stage }) => stage === 'answer'));
  return { ok, code, message, next, isPinned, connectedIn: ofAnswer.reduce((sum, { ms }) => sum + ms, 0) };
}
