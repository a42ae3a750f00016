/** The first page: everybody with whom one writes, those first with whom something was said last. */
import type { JSX } from 'preact';
import { Connection, Trouble } from './connection.tsx';
import { Avatar, nameOf } from './contact-name.tsx';
import { Icon } from './icons.tsx';
import type { Model } from './model.ts';
import type { Contact } from './people.ts';
import { ProgressMark } from './progress-mark.tsx';
import { conversationLink, linkTo } from './route.ts';
import { Screen } from './screen.tsx';
import { useTimes } from './times.ts';
import { useWords } from './words/words.ts';

interface Props {
  model: Model;
  /** The code of the one whose conversation is shown beside the list. */
  open?: string | undefined;
}

export function Chats({ model, open }: Props): JSX.Element {
  const words = useWords();
  const lastAt = ({ code }: Contact): number => model.history.last(code)?.at ?? Number.POSITIVE_INFINITY;
  const contacts = model.people.all.toSorted((one, other) => lastAt(other) - lastAt(one) || 0);
  const actions = (
    <>
      <a class="round" href={linkTo('/add')} aria-label={words.addContact}>
        <Icon name="add" />
      </a>
      <a class="round" href={linkTo('/settings')} aria-label={words.settings}>
        <Icon name="settings" />
      </a>
    </>
  );
  return (
    <Screen title={words.chats} subtitle={<Connection model={model} />} actions={actions}>
      <Trouble model={model} />
      {contacts.length === 0 ? (
        <Nobody />
      ) : (
        <ul class="list scrolling">
          {contacts.map((contact) => (
            <Row key={contact.code} contact={contact} model={model} isOpen={contact.code === open} />
          ))}
        </ul>
      )}
    </Screen>
  );
}

function Row({ contact, model, isOpen }: { contact: Contact; model: Model; isOpen: boolean }): JSX.Element {
  const words = useWords();
  const times = useTimes();
  const last = model.history.last(contact.code);
  return (
    <li>
      <a class="row" href={conversationLink(contact.code)} aria-current={isOpen ? 'page' : undefined}>
        <Avatar contact={contact} />
        <span class="row-name">
          <bdi>{nameOf(contact, words)}</bdi>
        </span>
        {last && <time class="row-time">{times.short(last.at)}</time>}
        <span class="row-last">
          {last?.progress && <ProgressMark progress={last.progress} />}
          <bdi>{last?.text}</bdi>
        </span>
        {contact.unread > 0 && (
          <span class="badge">
            <span aria-hidden="true">{times.number(contact.unread)}</span>
            <span class="unseen">{words.unread(times.number(contact.unread))}</span>
          </span>
        )}
      </a>
    </li>
  );
}

function Nobody(): JSX.Element {
  const words = useWords();
  return (
    <div class="empty">
      <Icon name="code" />
      <p>{words.noContacts}</p>
      <p class="choices">
        <a class="button primary" href={linkTo('/add')}>
          {words.addContact}
        </a>
        <a class="button" href={linkTo('/settings/code')}>
          {words.yourCode}
        </a>
      </p>
    </div>
  );
}
