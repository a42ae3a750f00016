import { html } from 'hono/html';
import { page } from './page.ts';

/** What an open relay says of itself at `/`. */
export function landingPage(link: string) {
  return page(
    'Puente',
    html`
<p>This is a relay: it passes encrypted messages on to a chat service, for people whose network blocks it. It cannot
read them, and it keeps no record of who uses it.</p>
<p>Its link, for an app that speaks Puente:</p>
<pre>${link}</pre>
`,
  );
}
