/** The list of the check's stages, which the page already has. */
import type { CheckWords } from '../../protocol/check-page.ts';
import type { CheckedStage } from '../index.ts';

export class StageList {
  readonly #list: HTMLElement;
  readonly #words: CheckWords['states'];

  constructor(list: HTMLElement, words: CheckWords['states']) {
    this.#list = list;
    this.#words = words;
  }

  begin(): void {
    this.#list.hidden = false;
    for (const item of this.#items()) show(item, 'waiting', '');
    this.#mark();
  }

  end({ stage, ok }: CheckedStage): void {
    const item = this.#items().find(({ dataset }) => dataset.stage === stage);
    if (item) show(item, ok ? 'ok' : 'failed', ok ? this.#words.ok : this.#words.failed);
    if (ok) this.#mark();
  }

  /** Sets a running stage back to waiting: the check did not reach the end of this stage. */
  finish(): void {
    for (const item of this.#items()) if (item.dataset.state === 'running') show(item, 'waiting', '');
  }

  #items(): HTMLElement[] {
    return Array.from(this.#list.querySelectorAll<HTMLElement>('[data-stage]'));
  }

  /** Marks the next stage as running. */
  #mark(): void {
    const next = this.#items().find(({ dataset }) => dataset.state === 'waiting');
    if (next) show(next, 'running', '');
  }
}

function show(item: HTMLElement, state: 'waiting' | 'running' | 'ok' | 'failed', words: string): void {
  item.dataset.state = state;
  const said = item.querySelector('.unseen');
  if (said) said.textContent = words;
}
