/** The page: the list, and the open screen beside it. On a narrow screen the open screen is over the list. */
import type { JSX } from 'preact';
import { useLayoutEffect, useReducer } from 'preact/hooks';
import { AddContact } from './add-contact.tsx';
import { Chats } from './chats.tsx';
import { Announcement } from './connection.tsx';
import { ContactPage } from './contact-page.tsx';
import { Conversation } from './conversation.tsx';
import { Icon } from './icons.tsx';
import type { Model } from './model.ts';
import { ProxyPage } from './proxy-page.tsx';
import { type Route, useRoute } from './route.ts';
import { LanguageChoice, Settings, StorageAndData } from './settings.tsx';
import { LANGUAGES, useWords, WordsContext } from './words/words.ts';
import { YourCode } from './your-code.tsx';

export function App({ model }: { model: Model }): JSX.Element {
  const [, render] = useReducer<number, void>((count) => count + 1, 0);
  // Subscribe at once, and not after the next frame as `useEffect` does: the page would miss the model's changes until
  // then.
  useLayoutEffect(() => model.subscribe(() => render()), [model]);
  const words = LANGUAGES[model.language];
  const unread = model.people.all.reduce((sum, contact) => sum + contact.unread, 0);
  useLayoutEffect(() => {
    document.documentElement.lang = words.locale;
    document.documentElement.dir = words.direction;
    document.title = unread > 0 ? `(${unread}) ${words.app}` : words.app;
  }, [words, unread]);

  const route = useRoute();
  const contact = 'code' in route ? model.people.find(route.code) : undefined;
  const isFirst = route.page === '/' || ('code' in route && !contact);
  return (
    <WordsContext.Provider value={words}>
      <main class={isFirst ? 'app at-list' : 'app'}>
        <nav class="pane list-pane" aria-label={words.chats}>
          <Chats model={model} open={contact?.code} />
        </nav>
        <div class="pane open-pane">
          <Opened route={route} model={model} />
        </div>
        <Announcement model={model} />
      </main>
    </WordsContext.Provider>
  );
}

function Opened({ route, model }: { route: Route; model: Model }): JSX.Element {
  const contact = 'code' in route ? model.people.find(route.code) : undefined;
  switch (route.page) {
    case '/add':
      return <AddContact model={model} />;
    case '/settings':
      return <Settings />;
    case '/settings/code':
      return <YourCode model={model} />;
    case '/settings/language':
      return <LanguageChoice model={model} />;
    case '/settings/storage':
      return <StorageAndData model={model} />;
    case '/settings/storage/proxy':
      return <ProxyPage setting={model.proxy} />;
    case 'conversation':
      return contact ? <Conversation key={contact.code} model={model} contact={contact} /> : <NothingOpen />;
    case 'name':
      return contact ? <ContactPage key={contact.code} model={model} contact={contact} /> : <NothingOpen />;
    case '/':
      return <NothingOpen />;
  }
}

/** Shown on a wide screen, beside the list. */
function NothingOpen(): JSX.Element {
  const words = useWords();
  return (
    <div class="empty">
      <Icon name="shield" />
      <p>{words.chooseSomebody}</p>
    </div>
  );
}
