/** The page in place of the chat, where there is no chat. */
import type { JSX } from 'preact';
import { keptLanguage, LANGUAGES } from './words/words.ts';

interface Props {
  reason: 'isElsewhere' | 'noServer' | 'noIdentity';
  button: 'useHere' | 'reload';
  act(): void;
}

export function Elsewhere({ reason, button, act }: Props): JSX.Element {
  const words = LANGUAGES[keptLanguage()];
  return (
    <main class="empty whole" lang={words.locale} dir={words.direction}>
      <h1>{words.app}</h1>
      <p>{words[reason]}</p>
      <button type="button" class="primary" onClick={act}>
        {words[button]}
      </button>
    </main>
  );
}
