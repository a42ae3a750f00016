/** The messages of two people, and a field to write more. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { TEXT_MAX } from '../net/chat.ts';
import { Connection, Trouble } from './connection.tsx';
import { nameOf } from './contact-name.tsx';
import type { Entry } from './history.ts';
import { Icon } from './icons.tsx';
import type { Model } from './model.ts';
import type { Contact } from './people.ts';
import { ProgressMark } from './progress-mark.tsx';
import { linkTo, nameLink } from './route.ts';
import { Screen } from './screen.tsx';
import { type Times, useTimes } from './times.ts';
import { useWords } from './words/words.ts';

interface Props {
  model: Model;
  contact: Contact;
}

export function Conversation({ model, contact }: Props): JSX.Element {
  const words = useWords();
  const { code } = contact;
  useEffect(() => {
    const look = (): void => model.look(document.visibilityState === 'visible' ? code : undefined);
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      model.look(undefined);
    };
  }, [model, code]);
  const rename = (
    <a class="round" href={nameLink(code)} aria-label={words.rename}>
      <Icon name="rename" />
    </a>
  );
  return (
    <Screen title={nameOf(contact, words)} subtitle={<Connection model={model} />} back={linkTo('/')} actions={rename}>
      <Trouble model={model} />
      <Bubbles model={model} contact={contact} />
      <Composer model={model} contact={contact} />
    </Screen>
  );
}

/** The number of bubbles at once: an old telephone draws as many without a delay. */
const SHOWN = 100;

function Bubbles({ model, contact }: Props): JSX.Element {
  const words = useWords();
  const times = useTimes();
  const log = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState(SHOWN);
  const all = model.history.with(contact.code);
  const entries = all.slice(-shown);
  const last = entries.at(-1)?.id;
  useLayoutEffect(() => {
    if (last) log.current?.scrollTo(0, log.current.scrollHeight);
  }, [last]);
  return (
    <div
      class="bubbles scrolling"
      ref={log}
      role="log"
      // The log scrolls, so the keyboard must be able to reach it.
      // biome-ignore lint/a11y/noNoninteractiveTabindex: as above
      tabIndex={0}
      aria-label={words.conversationWith(nameOf(contact, words))}
    >
      <p class="notice">
        <Icon name="shield" />
        {words.sealed}
      </p>
      {all.length > shown && (
        <button type="button" class="earlier" onClick={() => setShown(shown + SHOWN)}>
          {words.earlier}
        </button>
      )}
      {entries.map((entry, index) => (
        <Bubble
          key={entry.id}
          entry={entry}
          day={dayBefore(entry, entries[index - 1], times)}
          time={times.clock(entry.at)}
          writer={entry.progress ? words.you : nameOf(contact, words)}
        />
      ))}
    </div>
  );
}

/** The day, where a new day begins. */
function dayBefore(entry: Entry, previous: Entry | undefined, times: Times): string | undefined {
  const day = times.day(entry.at);
  return previous && times.day(previous.at) === day ? undefined : day;
}

interface BubbleProps {
  entry: Entry;
  day: string | undefined;
  time: string;
  /** The writer's name, for people who do not see on which side the bubble is. */
  writer: string;
}

function Bubble({ entry: { text, progress }, day, time, writer }: BubbleProps): JSX.Element {
  return (
    <>
      {day && <p class="day">{day}</p>}
      <div class={progress ? 'bubble mine' : 'bubble'}>
        <p class="unseen">{writer}</p>
        <p class="text" dir="auto">
          {text}
        </p>
        <p class="meta">
          <time>{time}</time>
          {progress && <ProgressMark progress={progress} />}
        </p>
      </div>
    </>
  );
}

function Composer({ model, contact }: Props): JSX.Element {
  const words = useWords();
  const [text, setText] = useState('');
  const [isFull, setFull] = useState(false);
  const send = (event: Event): void => {
    event.preventDefault();
    if (!text.trim()) return;
    try {
      model.send(contact.code, text.trim());
      setText('');
      setFull(false);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      setFull(true);
    }
  };
  const sendOnEnter = (event: KeyboardEvent): void => {
    // While the user composes a word, Enter belongs to the keyboard's input method.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
  };
  return (
    <form class="composer" onSubmit={send}>
      {isFull && (
        <p class="fault" role="alert">
          {words.outboxFull}
        </p>
      )}
      <textarea
        aria-label={words.write}
        placeholder={words.write}
        dir="auto"
        rows={1}
        maxLength={TEXT_MAX}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={sendOnEnter}
      />
      <button type="submit" class="round primary" aria-label={words.send} disabled={!text.trim()}>
        <Icon name="send" class="directed" />
      </button>
    </form>
  );
}
