/** Questions to the person at the terminal, or to a file with the answers in place of the person. */
import { createInterface } from 'node:readline';

export class Questions {
  readonly #takesDefaults: boolean;
  readonly #lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  readonly #answers = this.#lines[Symbol.asyncIterator]();

  /** @param takesDefaults takes the usual answers and asks nothing */
  constructor(takesDefaults: boolean) {
    this.#takesDefaults = takesDefaults;
  }

  /**
   * The first answer that passes; an empty line stands for the usual answer.
   * @param check throws an Error that says what is wrong with an answer
   * @throws Error when the input ends
   */
  async ask(question: string, usual: string, check: (answer: string) => void | Promise<void>): Promise<string> {
    if (this.#takesDefaults) return usual;
    for (;;) {
      process.stdout.write(`${question}${usual ? ` [${usual}]` : ''} `);
      const { value, done } = await this.#answers.next();
      if (done) throw new Error('\nThere was no answer. With --yes every question has its usual answer.');
      const answer = value.trim() || usual;
      try {
        await check(answer);
        return answer;
      } catch (error) {
        process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
  }

  /** Whether to go on; yes unless the person says no. */
  async confirm(question: string): Promise<boolean> {
    const answer = await this.ask(`${question} (yes or no)`, 'yes', (text) => {
      if (!/^(y|yes|n|no)$/i.test(text)) throw new Error('Say yes or no.');
    });
    return /^y/i.test(answer);
  }

  /** Leaves standard input to others. */
  close(): void {
    this.#lines.close();
  }
}
