import { html } from 'hono/html';
import { page } from './page.ts';

const KEY = html`
<p>In the folder from which the relay was deployed, make a key, and put it:</p>
<pre>npm run key
npx wrangler secret put RELAY_KEY</pre>
<p>The first command prints the key that the second one asks for, and the link to share.</p>
`;

// Without a word of the key: a new one would break every link that was shared.
const SETTINGS = html`
<p>Correct it in <code>wrangler.toml</code>, in the folder from which the relay was deployed, and deploy again:</p>
<pre>npx wrangler deploy</pre>
`;

/** What a relay says at `/` until its settings can be used. */
export function setupPage(problem: string) {
  return page(
    'This relay is not set up yet',
    html`
<p>${problem}</p>
${problem.includes('RELAY_KEY') ? KEY : SETTINGS}
`,
  );
}
