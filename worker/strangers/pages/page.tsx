import { raw } from 'hono/html';
import type { PropsWithChildren } from 'hono/jsx';
import { style } from '../../../dist/page/files.js';

interface Props {
  title: string;
  /** The language of the page's text. */
  language: string;
  dir: 'ltr' | 'rtl';
}

/** A whole document, with the style of all pages. */
export function Page({ title, language, dir, children }: PropsWithChildren<Props>) {
  return (
    <>
      {raw('<!doctype html>')}
      <html lang={language} dir={dir}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{title}</title>
          <link rel="icon" href="data:," />
          <style>{raw(style)}</style>
        </head>
        <body>
          <main>{children}</main>
        </body>
      </html>
    </>
  );
}
