/**
 * The setting Proxy: whether one is used, which, and what its check has found. It knows nothing of how it looks, so that it can
 * be taken into another app.
 */
import type { CheckedStage, RelayReport } from 'puente';
import { checkRelays, type ServerAddress } from '../net/chat.ts';
import { objectsIn, read, write } from './kept.ts';
import { addressesIn, isAddress, isBare, isSameRelay, pinned } from './proxy-address.ts';

/** Of today's network: it is not kept for a later visit. */
export interface Verdict extends Pick<RelayReport, 'ok' | 'code' | 'message' | 'next'> {
  /** From nothing to the chat server's answer, in milliseconds. */
  connectedIn: number;
  /** The address was bare; its relay was asked for its key, and that is kept from now on. */
  isPinned: boolean;
}

export interface SavedProxy {
  /** A link, or a bare address whose relay was not reached yet. */
  address: string;
  /** What the last check has found. */
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
  /** Of the check that runs. */
  #stages: CheckedStage[] | undefined;
  /** Of what could not be saved. */
  #refusal: Verdict | undefined;
  /** Ends what is under way for an earlier wish. */
  #turn = 0;
  #uses = 0;
  readonly #server: ServerAddress;
  readonly #changed: () => void;

  /** @param changed something is to be shown anew, or {@link relay} is another */
  constructor(server: ServerAddress, changed: () => void) {
    this.#server = server;
    this.#changed = changed;
    this.#kept = keptSetting();
  }

  // --- what is so ---------------------------------------------------------------------------------------------------

  /** What the app's sockets go through. */
  get relay(): string | undefined {
    return this.#kept.isOn && this.address ? this.address : undefined;
  }

  get isOn(): boolean {
    return this.#kept.isOn;
  }

  get address(): string {
    return this.#kept.address;
  }

  /** How often an address was put to use: it changes with each, also when {@link address} does not. */
  get uses(): number {
    return this.#uses;
  }

  get saved(): readonly SavedProxy[] {
    return this.#kept.saved;
  }

  /** Those that have passed; nothing while no check runs. */
  get stages(): readonly CheckedStage[] | undefined {
    return this.#stages;
  }

  get verdict(): Verdict | undefined {
    if (this.#refusal || !this.isOn) return this.#refusal;
    return this.#find(this.address)?.verdict;
  }

  /** The one after this in the list, from its end on to its beginning. */
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

  /** Whether it works or not: it may be the network that does not, for now. Only what is no address at all is refused. */
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

  /** Adds to the list, for {@link next}. */
  remember(addresses: string[]): void {
    const added = addresses.filter((address) => !this.#find(address)).map((address) => ({ address }));
    const saved = [...this.saved, ...added];
    const isOld = ({ address }: SavedProxy): boolean => address !== this.address && !addresses.includes(address);
    while (saved.length > SAVED_MAX) saved.splice(saved.findIndex(isOld), 1);
    this.#keep({ saved });
  }

  /** Where it was the one in use, the next one is. */
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

  /** What could not be saved is no longer what is looked at. */
  excuse(): void {
    if (!this.#refusal) return;
    this.#refusal = undefined;
    this.#changed();
  }

  /** Checks what is in use, for somebody who comes to look: what was found earlier may have been in another network. */
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

  /** A relay whose key is kept already is not asked for it again. */
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

/** The list with this one in the place of that, and with none twice. */
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
