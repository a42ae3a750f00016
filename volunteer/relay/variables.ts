/** Turns a relay's settings into the variables of its Worker. */
import { randomKey } from '../../client/cli/issue-invite.ts';
import type { Secrets, Settings } from '../../client/cli/relay-folder.ts';
import { type BackendTable, parseBackends } from '../../worker/admission/backends.ts';
import { type Config, configOf } from '../../worker/config.ts';

/** The content of the folder. */
export interface Relay {
  settings: Settings;
  secrets: Secrets;
}

/** All variables, also the empty ones: a variable that a deploy does not name stays as it was before (`keep_vars`). */
export function variablesOf({ vars, revoked }: Settings): Record<string, string> {
  return { HUB_REGION: '', ...vars, REVOKED: revoked.join(' ') };
}

/**
 * Reads the settings and secrets as the Worker does.
 * @throws PuenteError `config-invalid`
 */
export function configFor({ settings, secrets }: Relay): Promise<Config> {
  return configOf({ ...variablesOf(settings), ...secrets });
}

/**
 * Checks the variables as the Worker does, whatever the key is.
 * @throws PuenteError `config-invalid`
 */
export async function checkVariables(settings: Settings): Promise<void> {
  await configOf({ ...variablesOf(settings), RELAY_KEY: randomKey() });
}

/** Checks one variable as the Worker does. */
export async function checkVariable(name: Asked, value: string): Promise<void> {
  await configOf({ [name]: value, RELAY_KEY: randomKey() });
}

/** The variables that a volunteer must know about. */
export type Asked = 'ACCESS' | 'BACKENDS' | 'HUB_REGION';

/** @throws PuenteError `config-invalid` */
export function backendsOf(settings: Settings): BackendTable {
  return parseBackends(variablesOf(settings).BACKENDS ?? 'whatsapp');
}
