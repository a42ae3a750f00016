import type { Words } from './words/words.ts';

interface Props {
  /** Whether some backend takes plain text. */
  plain: boolean;
  words: Words['sees'];
}

export function SeesSection({ plain, words }: Props) {
  return (
    <section aria-labelledby="sees-heading">
      <h2 id="sees-heading">{words.heading}</h2>
      {[words.cannot, words.can].map(({ heading, items }) => (
        <>
          <h3>{heading}</h3>
          <ul>
            {items.map((item) => (
              <li>{item}</li>
            ))}
          </ul>
        </>
      ))}
      {plain && <p>{words.plain}</p>}
      <p class="note">{words.note}</p>
    </section>
  );
}
