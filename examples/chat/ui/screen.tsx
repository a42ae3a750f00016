/** The frame of all pages: a bar with a way back and a name, and the content below it. */
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { useWords } from './words/words.ts';

interface Props {
  title: string;
  /** Beneath the title. */
  subtitle?: ComponentChildren;
  /** Where the back link leads. */
  back?: string;
  /** Beside the title. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function Screen({ title, subtitle, back, actions, children }: Props): JSX.Element {
  const words = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  // A person who uses a keyboard, or listens, begins at the top of a new page. The first page leaves the focus where
  // the browser has it. Set the focus at once: later the focus would leave a field in which the person has begun to
  // write.
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
