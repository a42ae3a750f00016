/**
 * Waits until a condition holds; says what did not come about when it does not.
 * @param timeout milliseconds; by default long enough for a machine that is busy with something else
 */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeout = 50_000): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
