/** The results of a proxy's check, stage by stage, and the next steps. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { CheckedStage } from 'puente';
import { Icon } from './icons.tsx';
import { shownOf } from './proxy-address.ts';
import type { ProxySetting, Verdict } from './proxy-setting.ts';
import { useTimes } from './times.ts';
import { useWords } from './words/words.ts';

export function ProxyCheck({ setting }: { setting: ProxySetting }): JSX.Element {
  const words = useWords();
  const { stages, verdict } = setting;
  const isWithoutAddress = setting.isOn && !setting.address && !stages && !verdict;
  const region = useRef<HTMLElement>(null);
  // On a telephone the result is below the visible part: scroll to it. Do not move the page of a person who has only
  // come, and still has the focus on the heading.
  const found = useRef(verdict);
  useEffect(() => {
    const isTouched = document.activeElement?.tagName !== 'H1';
    if (verdict !== found.current && isTouched) region.current?.scrollIntoView({ block: 'nearest' });
    found.current = verdict;
  }, [verdict]);
  const act = (action: () => void): void => {
    // The button disappears, and the focus would disappear with it.
    region.current?.focus();
    action();
  };
  return (
    // Keep the section also while it is empty: otherwise a screen reader announces nothing.
    <section ref={region} role="status" aria-atomic="false" tabIndex={-1}>
      {stages ? <Running stages={stages} /> : verdict && <Found verdict={verdict} setting={setting} act={act} />}
      {isWithoutAddress && <p class="card">{words.noAddress}</p>}
    </section>
  );
}

function Running({ stages }: { stages: readonly CheckedStage[] }): JSX.Element {
  const words = useWords();
  return (
    <div class="card check">
      <p class="outcome">
        <span class="spinner" />
        {words.checking}
      </p>
      <ul class="stages">
        {stages.map(({ stage, ok }) => (
          <li key={stage} class={ok ? 'good' : 'bad'}>
            <Icon name={ok ? 'sent' : 'remove'} />
            <span>{words.stages[stage]}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface FoundProps {
  verdict: Verdict;
  setting: ProxySetting;
  /** Runs the action of a button. */
  act(action: () => void): void;
}

function Found({ verdict, setting, act }: FoundProps): JSX.Element {
  const words = useWords();
  const times = useTimes();
  if (!verdict.ok) return <Failed verdict={verdict} setting={setting} act={act} />;
  const remark = verdict.code && (words.remarks[verdict.code] ?? verdict.message);
  return (
    <div class="card check is-good">
      <p class="outcome good">
        <Icon name="works" />
        {words.connectedIn(times.number(verdict.connectedIn))}
      </p>
      {remark && (
        <p class="hint" dir="auto">
          {remark}
        </p>
      )}
      {verdict.isPinned && <p class="hint">{words.keyKept}</p>}
      <div class="choices">
        <button type="button" onClick={() => act(() => setting.check())}>
          {words.again}
        </button>
      </div>
    </div>
  );
}

function Failed({ verdict, setting, act }: FoundProps): JSX.Element {
  const words = useWords();
  const { message, next: step } = (verdict.code && words.causes[verdict.code]) || verdict;
  const { next } = setting;
  const isSaved = verdict.code !== 'link-invalid';
  return (
    <div class="card check is-bad">
      <p class="outcome bad">
        <Icon name="failed" />
        {words.fails}
      </p>
      <p>
        <strong dir="auto">{message}</strong> <code dir="ltr">{verdict.code}</code>
      </p>
      <p dir="auto">{step}</p>
      {isSaved && <p class="hint">{words.keptAnyway}</p>}
      <div class="choices">
        {next && (
          <button type="button" class="primary" onClick={() => act(() => setting.save(next))}>
            {words.tryNext(shownOf(next))}
          </button>
        )}
        {isSaved && (
          <button type="button" onClick={() => act(() => setting.check())}>
            {words.again}
          </button>
        )}
      </div>
    </div>
  );
}
