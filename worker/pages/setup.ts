import { html } from 'hono/html';
import { page } from './page.ts';

/** What a relay says at `/` until its settings can be used. */
export function setupPage(problem: string) {
  return page(
    'This relay is not set up yet',
    html`
<p>${problem}</p>
<p>In the folder from which the relay was deployed, make a key, and put it:</p>
<pre>npm run key
npx wrangler secret put RELAY_KEY</pre>
<p>The first command prints the key that the second one asks for, and the link to share. Settings other than the key
stand in <code>wrangler.toml</code>; after a change there, run <code>npx wrangler deploy</code>.</p>
`,
  );
}
