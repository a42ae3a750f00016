/** Two windows with one identity would drive each other from the server, so one of them has the chat. */

const NAME = 'puente-chat';
/** A window that is being loaded again may let go of it a moment later, in milliseconds. */
const MOMENT = 500;

export interface Turns {
  /** This window has the chat. */
  begin(): void;
  /** Another has it. */
  wait(): void;
}

/** @param isWanted it is taken from another window that has it */
export function takeTurn(turns: Turns, isWanted: boolean): void {
  // Absent where a page is not served securely: then whoever opens two windows sees what happens.
  if (!navigator.locks) return turns.begin();
  const timer = setTimeout(() => turns.wait(), MOMENT);
  const hold = (): Promise<never> => {
    clearTimeout(timer);
    turns.begin();
    return new Promise(() => {});
  };
  navigator.locks.request(NAME, { steal: isWanted }, hold).catch((error: unknown) => {
    // It was taken from this window; anything else is a fault, and not to be hidden behind that.
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
    turns.wait();
  });
}
