import { raw } from 'hono/html';
import { entry } from '../../../dist/page/files.js';
import { CHECK_PAGE_ID, type CheckPage } from '../../../protocol/check-page.ts';
import type { Language } from './language.ts';
import { PAGE_STAGES, type PageStage } from './words/words.ts';

interface Props {
  link: string;
  /** The backend in the form that a check takes. Without a backend, only the relay is checked. */
  backend: string | undefined;
  language: Language;
}

/** The check in the visitor's own browser. The list of stages stands here, and the script fills the list in. */
export function CheckSection({ link, backend, language }: Props) {
  const { failures, check: words } = language.words;
  const page: CheckPage = {
    link,
    backend: backend ?? null,
    language: language.tag,
    words: {
      running: words.running,
      works: words.works,
      reached: words.reached,
      remarks: words.remarks,
      failed: words.failed,
      states: words.states,
      broken: words.broken,
      copied: words.copied,
    },
    failures: failures ?? {},
  };
  return (
    <section aria-labelledby="check-heading">
      <h2 id="check-heading">{words.heading}</h2>
      {backend ? <Asks words={words.asks} backend={backend} /> : <p>{words.asksRelay}</p>}
      <noscript>
        <p class="note">{words.needsScript}</p>
      </noscript>
      <button type="button" id="check-start" class="main" hidden>
        {words.start}
      </button>
      <ol id="check-stages" hidden>
        {stagesFor(backend).map((stage) => (
          <li data-stage={stage} data-state="waiting">
            {words.stages[stage]} <span class="unseen" />
          </li>
        ))}
      </ol>
      <div id="check-status" role="status" />
      <script type="application/json" id={CHECK_PAGE_ID}>
        {raw(jsonInScript(page))}
      </script>
      <script type="module" src={entry} />
    </section>
  );
}

function Asks({ words, backend }: { words: string; backend: string }) {
  return (
    <p>
      {words}{' '}
      <bdi>
        <code>{backend.replace(/^\w+:\/\//, '')}</code>
      </bdi>
    </p>
  );
}

function stagesFor(backend: string | undefined): readonly PageStage[] {
  return backend ? PAGE_STAGES : PAGE_STAGES.filter((stage) => stage !== 'backend' && stage !== 'answer');
}

/** Escapes `<` as JSON allows: the character could end the element, or begin a comment in it. */
function jsonInScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
