/** What a browser may do with the relay's pages: nothing that they do not need. */
import { styleHash } from '../../../dist/page/files.js';

/** Headers of every answer of the site's. */
export function policyFor(origin: string): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src '${styleHash}'`,
      // The check's link may name the relay by another scheme than the page has; older browsers do not take wss: for 'self'.
      `connect-src 'self' ${origin} ${origin.replace(/^http/, 'ws')}`,
      // The empty icon, without which a browser asks for one.
      'img-src data:',
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
}
