import { QrCode } from './qr-code.tsx';
import type { Words } from './words/words.ts';

interface Props {
  link: string;
  address: string;
  words: Words['link'];
}

export function LinkSection({ link, address, words }: Props) {
  return (
    <section aria-labelledby="link-heading">
      <h2 id="link-heading">{words.heading}</h2>
      <p>{words.link}</p>
      <CopyBox id="link" text={link} copy={words.copyLink} />
      <figure>
        <QrCode text={link} title={words.qrTitle} />
        <figcaption>{words.qr}</figcaption>
      </figure>
      <p>{words.address}</p>
      <CopyBox id="address" text={address} copy={words.copyAddress} />
      <p id="copy-status" class="unseen" role="status" />
    </section>
  );
}

/** One touch selects all of the text. With a script there is a button, too. */
function CopyBox({ id, text, copy }: { id: string; text: string; copy: string }) {
  return (
    <div class="copy-box">
      <code id={id} dir="ltr">
        {text}
      </code>
      <button type="button" data-copies={id} hidden>
        {copy}
      </button>
    </div>
  );
}
