/** Fetches what a host publishes: a key, or a list of relays. */
import { PuenteError } from '../../protocol/errors.ts';
import { DISCOVERY_MAX, DISCOVERY_TIMEOUT } from '../../protocol/limits.ts';

/**
 * The body of a successful answer; an empty text for any other answer, or for a body longer than DISCOVERY_MAX
 * characters.
 * @throws PuenteError `unreachable`
 */
export async function fetchText(url: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(DISCOVERY_TIMEOUT);
    const options = { redirect: 'error', credentials: 'omit', referrerPolicy: 'no-referrer', signal } as const;
    const response = await fetch(url, options);
    return response.ok ? await limitedText(response) : '';
  } catch {
    throw new PuenteError('unreachable');
  }
}

/** Stops reading at DISCOVERY_MAX: any host may answer here, and its answer may have no end. */
async function limitedText(response: Response): Promise<string> {
  if (!response.body) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (text.length <= DISCOVERY_MAX) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return '';
}
