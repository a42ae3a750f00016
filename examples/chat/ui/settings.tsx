/** The settings: pages within pages. */
import type { JSX } from 'preact';
import { Icon, type IconName } from './icons.tsx';
import type { Model } from './model.ts';
import { linkTo, type Page } from './route.ts';
import { Screen } from './screen.tsx';
import { LANGUAGES, type Language, useWords } from './words/words.ts';

interface LineProps {
  to: Page;
  icon: IconName;
  name: string;
  value?: string;
}

function Line({ to, icon, name, value }: LineProps): JSX.Element {
  return (
    <li>
      <a class="row setting" href={linkTo(to)}>
        <Icon name={icon} />
        <span>{name}</span>
        {value && <span class="value">{value}</span>}
        <Icon name="forward" class="directed" />
      </a>
    </li>
  );
}

export function Settings(): JSX.Element {
  const words = useWords();
  return (
    <Screen title={words.settings} back={linkTo('/')}>
      <ul class="list scrolling">
        <Line to="/settings/code" icon="code" name={words.yourCode} />
        <Line to="/settings/storage" icon="storage" name={words.storage} />
        <Line to="/settings/language" icon="language" name={words.languages} value={words.language} />
      </ul>
    </Screen>
  );
}

export function StorageAndData({ model }: { model: Model }): JSX.Element {
  const words = useWords();
  return (
    <Screen title={words.storage} back={linkTo('/settings')}>
      <ul class="list scrolling">
        <Line
          to="/settings/storage/proxy"
          icon="shield"
          name={words.proxy}
          value={model.proxy.relay ? words.on : words.off}
        />
      </ul>
    </Screen>
  );
}

export function LanguageChoice({ model }: { model: Model }): JSX.Element {
  const words = useWords();
  return (
    <Screen title={words.languages} back={linkTo('/settings')}>
      <div class="page scrolling">
        <fieldset class="card">
          <legend class="unseen">{words.languages}</legend>
          {(Object.keys(LANGUAGES) as Language[]).map((language) => (
            <label key={language} class="option" lang={LANGUAGES[language].locale}>
              <input
                type="radio"
                name="language"
                checked={model.language === language}
                onChange={() => model.speak(language)}
              />
              {LANGUAGES[language].language}
            </label>
          ))}
        </fieldset>
      </div>
    </Screen>
  );
}
