/** Allows a browser only the actions that the relay's pages need. */
import { styleHash } from '../../../dist/page/files.js';

/** The headers of every answer of the site. */
export function policyFor(origin: string): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src '${styleHash}'`,
      // The check's link may name the relay with another scheme than the page. Older browsers do not take wss: for
      // 'self'.
      `connect-src 'self' ${origin} ${origin.replace(/^http/, 'ws')}`,
      // Allow the empty icon. Without an icon, a browser asks for one.
      'img-src data:',
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
}
