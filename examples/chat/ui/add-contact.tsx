/** Adds a contact by the code that the contact has sent. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { canWriteTo, isCode } from './codes.ts';
import type { Model } from './model.ts';
import { NameField } from './name-field.tsx';
import { conversationLink, linkTo } from './route.ts';
import { Screen } from './screen.tsx';
import { TakeText } from './take-text.tsx';
import { useWords, type Words } from './words/words.ts';

export function AddContact({ model }: { model: Model }): JSX.Element {
  const words = useWords();
  const [code, setCode] = useState('');
  const [name, setName] = useState('');
  const [fault, setFault] = useState('');
  const add = (event: Event): void => {
    event.preventDefault();
    const found = faultOf(code, model, words);
    setFault(found);
    if (found) return;
    model.name(code, name.trim() || (model.people.find(code)?.name ?? ''));
    location.replace(conversationLink(code));
  };
  return (
    <Screen title={words.addContact} back={linkTo('/')}>
      <form class="page scrolling" onSubmit={add}>
        <div class="card">
          <label for="code">{words.contactCode}</label>
          <p id="code-is" class="hint">
            {words.contactCodeIs}
          </p>
          <input
            id="code"
            dir="ltr"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            aria-describedby="code-is"
            aria-invalid={fault !== ''}
            value={code}
            onInput={({ currentTarget }) => setCode(currentTarget.value.trim())}
          />
          <TakeText take={(text) => setCode(text.trim())} />
          <NameField name={name} change={setName} />
          <p class="fault" role="alert">
            {fault}
          </p>
          <button type="submit" class="primary">
            {words.add}
          </button>
        </div>
      </form>
    </Screen>
  );
}

function faultOf(code: string, { identity, people }: Model, words: Words): string {
  if (!isCode(code) || !canWriteTo(code, identity)) return words.notACode;
  if (code === identity.code) return words.ownCode;
  return people.isFull && !people.leastWanted && !people.find(code) ? words.tooMany : '';
}
