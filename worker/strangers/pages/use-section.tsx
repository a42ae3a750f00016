import type { Words } from './words/words.ts';

interface Props {
  link: string;
  /** Whether the relay leads to WhatsApp's servers. */
  forWhatsapp: boolean;
  words: Words['use'];
}

export function UseSection({ link, forWhatsapp, words }: Props) {
  return (
    <section aria-labelledby="use-heading">
      <h2 id="use-heading">{words.heading}</h2>
      {forWhatsapp && <p>{words.honest}</p>}
      <WaySteps way={words.speaking} />
      {forWhatsapp ? (
        <WaySteps way={words.gateway} command={`npm run gateway -- whatsapp --port-offset 10000 '${link}'`} />
      ) : (
        <WaySteps way={words.forward} command={`npm run forward -- -L socks5://1080 '${link}'`} />
      )}
    </section>
  );
}

function WaySteps({ way, command }: { way: Words['use']['speaking']; command?: string }) {
  const { heading, before, after, note } = way;
  return (
    <>
      <h3>{heading}</h3>
      <ol class="steps">
        {before.map((step, index) => (
          <li>
            {step}
            {command && index === before.length - 1 && <pre dir="ltr">{command}</pre>}
          </li>
        ))}
        {after.map((step) => (
          <li>{step}</li>
        ))}
      </ol>
      <p class="note">{note}</p>
    </>
  );
}
