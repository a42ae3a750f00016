/** Settings → Storage and data → Proxy: the setting as a person sees it. The logic is in `proxy-setting.ts`. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { addressesIn, shownOf } from './proxy-address.ts';
import { ProxyCheck } from './proxy-check.tsx';
import type { ProxySetting } from './proxy-setting.ts';
import { linkTo } from './route.ts';
import { Screen } from './screen.tsx';
import { TakeText } from './take-text.tsx';
import { useWords } from './words/words.ts';

interface Props {
  setting: ProxySetting;
}

export function ProxyPage({ setting }: Props): JSX.Element {
  const words = useWords();
  useEffect(() => {
    setting.look();
    return () => setting.excuse();
  }, [setting]);
  return (
    <Screen title={words.proxy} back={linkTo('/settings/storage')}>
      <div class="page scrolling">
        <div class="card">
          <label class="switch">
            <span>{words.useProxy}</span>
            <input
              type="checkbox"
              role="switch"
              aria-checked={setting.isOn}
              aria-describedby="use-when"
              checked={setting.isOn}
              onChange={({ currentTarget }) => setting.turn(currentTarget.checked)}
            />
          </label>
          <p id="use-when" class="hint">
            {words.useProxyWhen}
          </p>
        </div>
        <AddressForm setting={setting} />
        <ProxyCheck setting={setting} />
        <Saved setting={setting} />
      </div>
    </Screen>
  );
}

function AddressForm({ setting }: Props): JSX.Element {
  const words = useWords();
  const { address, uses } = setting;
  const [text, setText] = useState(address);
  // Replace the typed text with the address that it became, also when that address is the same as before.
  useEffect(() => setText(address), [address, uses]);
  const change = (typed: string): void => {
    setText(typed);
    setting.excuse();
  };
  /** Puts the first of several addresses into the field, and the others into the list, for when the first one fails. */
  const take = (pasted: string): void => {
    const [first = pasted.trim(), ...others] = addressesIn(pasted);
    change(first);
    setting.remember(others);
  };
  const paste = (event: ClipboardEvent): void => {
    const pasted = event.clipboardData?.getData('text') ?? '';
    // Paste any other text as usual, at the cursor.
    if (addressesIn(pasted).length < 2) return;
    event.preventDefault();
    take(pasted);
  };
  const save = (event: Event): void => {
    event.preventDefault();
    setting.save(text);
  };
  return (
    <form class="card" onSubmit={save}>
      <label for="address">{words.address}</label>
      <p id="address-is" class="hint">
        {words.addressIs}
      </p>
      <input
        id="address"
        dir="ltr"
        inputMode="url"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        placeholder="relay.example.org"
        aria-describedby="address-is"
        value={text}
        onInput={({ currentTarget }) => change(currentTarget.value)}
        onPaste={paste}
      />
      <TakeText take={take} />
      <button type="submit" class="primary">
        {words.save}
      </button>
    </form>
  );
}

function Saved({ setting }: Props): JSX.Element | null {
  const words = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  if (setting.saved.length === 0) return null;
  const forget = (address: string): void => {
    setting.forget(address);
    // The button is gone, and the focus would be gone with it.
    heading.current?.focus();
  };
  return (
    <section class="card" aria-labelledby="saved">
      <h2 id="saved" ref={heading} tabIndex={-1}>
        {words.saved}
      </h2>
      <ul>
        {setting.saved.map(({ address, verdict }) => (
          <li key={address} class="saved">
            <button type="button" class="plain" onClick={() => setting.save(address)}>
              <Icon
                name={verdict ? (verdict.ok ? 'works' : 'failed') : 'shield'}
                class={verdict && (verdict.ok ? 'good' : 'bad')}
              />
              <bdi dir="ltr">{shownOf(address)}</bdi>
              {address === setting.relay && <span class="value">{words.inUse}</span>}
            </button>
            <button
              type="button"
              class="round"
              onClick={() => forget(address)}
              aria-label={words.remove(shownOf(address))}
            >
              <Icon name="remove" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
