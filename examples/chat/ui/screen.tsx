/** What all pages have: a bar with a way back and a name, and what is beneath it. */
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { useWords } from './words/words.ts';

interface Props {
  title: string;
  /** Beneath the title. */
  subtitle?: ComponentChildren;
  /** Where the way back leads. */
  back?: string;
  /** Beside the title. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function Screen({ title, subtitle, back, actions, children }: Props): JSX.Element {
  const words = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  // Who goes on by keyboard, or listens, begins at the top of a new page. The first page leaves the focus where the browser has it.
  // At once, or the focus leaves a field in which they have begun to write.
  useLayoutEffect(() => {
    if (back) heading.current?.focus();
  }, [back]);
  return (
    <>
      <header class="bar">
        {back && (
          <a class="round" href={back} aria-label={words.back}>
            <Icon name="back" class="directed" />
          </a>
        )}
        <div class="titles">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {subtitle}
        </div>
        {actions}
      </header>
      {children}
    </>
  );
}
