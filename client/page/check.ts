/** The script of an open relay's page: the check, made by the visitor's own browser, and the buttons that copy. */
import { CHECK_PAGE_ID, type CheckPage } from '../../protocol/check-page.ts';
import { check, type RelayReport } from '../index.ts';
import { showBroken, showFailure, showSuccess } from './outcome.ts';
import { StageList } from './stage-list.ts';

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const page = JSON.parse(element(CHECK_PAGE_ID).textContent ?? '') as CheckPage;
const button = element<HTMLButtonElement>('check-start');
const status = element('check-status');
const stages = new StageList(element('check-stages'), page.words.states);

async function run(): Promise<void> {
  stages.begin();
  status.className = '';
  status.textContent = page.words.running;
  const { relays } = await check(page.link, {
    backend: page.backend,
    onStage: (_relay, stage) => stages.end(stage),
  });
  const report = relays[0] as RelayReport;
  if (report.ok) showSuccess(status, report, page);
  else showFailure(status, report, page);
}

button.hidden = false;
button.addEventListener('click', () => {
  // Do not use `disabled`: the button would lose the focus.
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  void run()
    .catch(() => showBroken(status, page))
    .finally(() => {
      stages.finish();
      button.removeAttribute('aria-disabled');
    });
});

/** A page without TLS has no clipboard. A touch still selects the page's boxes. */
if (navigator.clipboard)
  for (const copy of document.querySelectorAll<HTMLButtonElement>('[data-copies]')) {
    copy.hidden = false;
    copy.addEventListener('click', async () => {
      const box = element(copy.dataset.copies ?? '');
      try {
        await navigator.clipboard.writeText(box.textContent ?? '');
      } catch {
        // The browser refuses the copy: select the text, so that a person can copy it by hand.
        return getSelection()?.selectAllChildren(box);
      }
      // Empty the status first: a screen reader would not read the same words again.
      element('copy-status').textContent = '';
      element('copy-status').append(page.words.copied);
      copy.classList.add('copied');
    });
  }
