/** The first page: all contacts, those with the latest message first. */
import type { JSX } from 'preact';
import { Connection, Trouble } from './connection.tsx';
import { Avatar, nameOf } from './contact-name.tsx';
import type { Entry } from './history.ts';
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
  /** The code of the contact whose conversation is shown beside the list. */
  open?: string | undefined;
}

export function Chats({ model, open }: Props): JSX.Element {
  const words = useWords();
  const rows = model.people.all
    .map((contact) => ({ contact, last: model.history.last(contact.code) }))
    .sort((one, other) => lastAt(other) - lastAt(one) || 0);
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
      {rows.length === 0 ? (
        <Nobody />
      ) : (
        <ul class="list scrolling">
          {rows.map((row) => (
            <Row key={row.contact.code} {...row} isOpen={row.contact.code === open} />
          ))}
        </ul>
      )}
    </Screen>
  );
}

interface RowProps {
  contact: Contact;
  /** The last message. */
  last: Entry | undefined;
  isOpen: boolean;
}

/** A contact without a message has just been added, and comes first. */
const lastAt = ({ last }: { last: Entry | undefined }): number => last?.at ?? Number.POSITIVE_INFINITY;

function Row({ contact, last, isOpen }: RowProps): JSX.Element {
  const words = useWords();
  const times = useTimes();
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
