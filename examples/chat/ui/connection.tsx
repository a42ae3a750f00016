/** The state of the connection, as the client's events report it. */
import type { JSX } from 'preact';
import { Icon } from './icons.tsx';
import type { Model } from './model.ts';
import { linkTo } from './route.ts';
import { useWords } from './words/words.ts';

/** The state in a header. {@link Announcement} announces the state once for the page. */
export function Connection({ model }: { model: Model }): JSX.Element {
  const words = useWords();
  return (
    <p class={`connection is-${model.state}`}>
      <span class="dot" />
      {words.states[model.state]}
      {model.proxy.relay && (
        <span class="through">
          <Icon name="shield" />
          <span>{words.throughProxy}</span>
        </span>
      )}
    </p>
  );
}

export function Announcement({ model }: { model: Model }): JSX.Element {
  const words = useWords();
  return (
    <p class="unseen" role="status">
      {words.states[model.state]}
    </p>
  );
}

/** Shown while nothing works: the reason, and where to mend it. */
export function Trouble({ model }: { model: Model }): JSX.Element | null {
  const words = useWords();
  const { state, error, proxy } = model;
  if (state !== 'offline') return null;
  const cause = error && (words.causes[error.code]?.message ?? error.message);
  // A browser does not say why it cannot open a WebSocket. Without a proxy there is no better guess.
  const isBlocked = !proxy.relay && (error?.code === 'backend-down' || error?.code === 'timeout');
  return (
    <p class="trouble">
      <span dir="auto">{navigator.onLine ? (isBlocked ? words.seemsBlocked : cause) : words.isOffline}</span>
      <a class="button" href={linkTo('/settings/storage/proxy')}>
        {proxy.relay ? words.proxySettings : words.useAProxy}
      </a>
    </p>
  );
}
