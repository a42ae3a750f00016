import type { JSX } from 'preact';
import type { Progress } from './history.ts';
import { Icon } from './icons.tsx';
import { useWords } from './words/words.ts';

/** Shows how far a message has come. */
export function ProgressMark({ progress }: { progress: Progress }): JSX.Element {
  const words = useWords();
  return (
    <span class={`progress is-${progress}`} role="img" aria-label={words.progress[progress]}>
      <Icon name={progress} />
    </span>
  );
}
