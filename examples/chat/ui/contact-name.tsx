/** The name and the picture of a contact. */
import type { JSX } from 'preact';
import type { Contact } from './people.ts';
import type { Words } from './words/words.ts';

/** The contact's name. For a contact who was not added, as much of the code as tells such contacts apart. */
export const nameOf = ({ code, name }: Contact, words: Words): string => name || words.unknown(code.slice(0, 6));

const COLOURS = 8;

export function Avatar({ contact }: { contact: Contact }): JSX.Element {
  const colour = contact.code.charCodeAt(0) % COLOURS;
  const [initial = '?'] = contact.name.trim().toUpperCase();
  return (
    <span class={`avatar colour-${colour}`} aria-hidden="true">
      {initial}
    </span>
  );
}
