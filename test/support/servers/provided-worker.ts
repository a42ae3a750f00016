/** The Worker as `wrangler deploy` would upload it, bundled once for all tests of a project; they get it by `inject('worker')`. */
import type { TestProject } from 'vitest/node';
import { type Bundle, bundle } from '../../../volunteer/relay/bundle.ts';

declare module 'vitest' {
  interface ProvidedContext {
    worker: Bundle;
  }
}

export default function setup({ provide }: TestProject): void {
  provide('worker', bundle('wrangler.toml'));
}
