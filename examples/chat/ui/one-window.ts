/** Lets one window have the chat: two windows with one identity would drive each other from the server. */

const NAME = 'puente-chat';
/** Milliseconds. A window that is being loaded again may let go of the chat a moment later. */
const MOMENT = 500;

export interface Turns {
  /** This window has the chat. */
  begin(): void;
  /** Another window has the chat. */
  wait(): void;
}

/** @param isWanted takes the chat from another window that has it */
export function takeTurn(turns: Turns, isWanted: boolean): void {
  // `navigator.locks` is absent where a page is not served securely. A person who opens two windows then sees the
  // result.
  if (!navigator.locks) return turns.begin();
  const timer = setTimeout(() => turns.wait(), MOMENT);
  const hold = (): Promise<never> => {
    clearTimeout(timer);
    turns.begin();
    return new Promise(() => {});
  };
  navigator.locks.request(NAME, { steal: isWanted }, hold).catch((error: unknown) => {
    // Another window took the chat from this window. Any other error is a fault, and must not be hidden.
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
    turns.wait();
  });
}
