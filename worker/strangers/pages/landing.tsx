import { type BackendTable, checkable } from '../../admission/backends.ts';
import type { PublicCounts } from '../../counters/counters.ts';
import { CheckSection } from './check-section.tsx';
import { CountsSection } from './counts-section.tsx';
import { LANGUAGES, type Language } from './language.ts';
import { LinkSection } from './link-section.tsx';
import { Page } from './page.tsx';
import { SeesSection } from './sees-section.tsx';
import { UseSection } from './use-section.tsx';

interface Props {
  link: string;
  /** The relay's bare address. */
  address: string;
  backends: BackendTable;
  counts: PublicCounts | undefined;
  language: Language;
}

/** The page that an open relay shows at its address, about itself. */
export function LandingPage({ link, address, backends, counts, language }: Props) {
  const { words } = language;
  const forWhatsapp = backends.some(({ expects }) => expects === 'whatsapp');
  const plain = backends.some(({ expects }) => expects === 'any');
  return (
    <Page title={`Puente: ${words.title}`} language={language.tag} dir={language.dir}>
      <LanguageSwitch current={language} />
      <header>
        <h1>{words.title}</h1>
        <p>{words.intro}</p>
      </header>
      <LinkSection link={link} address={address} words={words.link} />
      <CheckSection link={link} backend={checkable(backends)} language={language} />
      <UseSection link={link} forWhatsapp={forWhatsapp} words={words.use} />
      <SeesSection plain={plain} words={words.sees} />
      <CountsSection counts={counts} language={language} />
    </Page>
  );
}

/** Uses links, so that the switch needs no script. */
function LanguageSwitch({ current }: { current: Language }) {
  return (
    <nav aria-label={current.words.languages}>
      {LANGUAGES.map(({ tag, name, dir }) => (
        <a
          href={`?lang=${tag}`}
          lang={tag}
          dir={dir}
          hreflang={tag}
          {...(tag === current.tag && { 'aria-current': 'true' })}
        >
          {name}
        </a>
      ))}
    </nav>
  );
}
