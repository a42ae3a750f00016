/** The code that others need to write to this user. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icons.tsx';
import type { Model } from './model.ts';
import { QrCode } from './qr-code.tsx';
import { linkTo } from './route.ts';
import { Screen } from './screen.tsx';
import { useWords } from './words/words.ts';

export function YourCode({ model: { identity } }: { model: Model }): JSX.Element {
  const words = useWords();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(identity.code).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <Screen title={words.yourCode} back={linkTo('/settings')}>
      <div class="page scrolling">
        <div class="card centred">
          <QrCode text={identity.code} label={words.qrOf} />
          <p class="code" dir="ltr">
            {identity.code}
          </p>
          {navigator.clipboard && (
            <button type="button" class="primary" onClick={copy}>
              <Icon name="paste" />
              {words.copy}
            </button>
          )}
          <p class="hint" role="status">
            {isCopied ? words.copied : ''}
          </p>
          <p class="hint">{words.yourCodeIs}</p>
        </div>
      </div>
    </Screen>
  );
}
