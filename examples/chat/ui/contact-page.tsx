/** Gives a contact another name, or removes the contact. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { nameOf } from './contact-name.tsx';
import type { Model } from './model.ts';
import { NameField } from './name-field.tsx';
import type { Contact } from './people.ts';
import { conversationLink, linkTo } from './route.ts';
import { Screen } from './screen.tsx';
import { useWords } from './words/words.ts';

export function ContactPage({ model, contact }: { model: Model; contact: Contact }): JSX.Element {
  const words = useWords();
  const [name, setName] = useState(contact.name);
  const back = conversationLink(contact.code);
  const save = (event: Event): void => {
    event.preventDefault();
    model.name(contact.code, name.trim());
    location.replace(back);
  };
  const remove = (): void => {
    if (!confirm(words.removesAll(nameOf(contact, words)))) return;
    location.replace(linkTo('/'));
    model.remove(contact.code);
  };
  return (
    <Screen title={nameOf(contact, words)} back={back}>
      <form class="page scrolling" onSubmit={save}>
        <div class="card">
          <NameField name={name} change={setName} />
          <p class="code" dir="ltr">
            {contact.code}
          </p>
          <button type="submit" class="primary">
            {words.save}
          </button>
          <button type="button" class="bad" onClick={remove}>
            {words.removeContact}
          </button>
        </div>
      </form>
    </Screen>
  );
}
