/** The field for a contact's name. */
import type { JSX } from 'preact';
import { NAME_MAX } from './people.ts';
import { useWords } from './words/words.ts';

export function NameField({ name, change }: { name: string; change: (name: string) => void }): JSX.Element {
  const words = useWords();
  return (
    <>
      <label for="name">{words.name}</label>
      <input
        id="name"
        dir="auto"
        autocomplete="off"
        maxLength={NAME_MAX}
        value={name}
        onInput={({ currentTarget }) => change(currentTarget.value)}
      />
    </>
  );
}
