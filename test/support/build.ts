/** Builds the package before the tests: what they run may import it by its name. */
import { run } from './command.ts';

export default function setup(): void {
  const { status, stdout, stderr } = run('npm', ['run', '--silent', 'build']);
  if (status !== 0) throw new Error(`The package does not build:\n${stdout}${stderr}`);
}
