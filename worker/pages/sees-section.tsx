import type { Words } from './words/words.ts';

export function SeesSection({ words }: { words: Words['sees'] }) {
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
      <p class="note">{words.note}</p>
    </section>
  );
}
