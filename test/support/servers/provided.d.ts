/** What vitest's set-up gives to tests that run elsewhere. */
import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of a backend that echoes. */
    backend: string;
  }
}
