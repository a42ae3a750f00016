import { html, raw } from 'hono/html';

const STYLE = `
  :root { color-scheme: light dark }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem }
  code, pre { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
  pre { white-space: pre-wrap; padding: .75rem 1rem; border: 1px solid; border-radius: .4rem }
`;

/** A small page without scripts, images or requests to anyone. */
export function page(title: string, body: ReturnType<typeof html>) {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${raw(STYLE)}</style>
<h1>${title}</h1>
${body}
</html>`;
}
