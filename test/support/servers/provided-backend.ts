/** A backend for tests in workerd, where nothing can listen; they get its address by `inject('backend')`. */
import type { TestProject } from 'vitest/node';
import { echo, startBackend } from './backend.ts';

export default async function setup({ provide }: TestProject) {
  const backend = await startBackend(echo);
  provide('backend', backend.address);
  return () => backend.close();
}
