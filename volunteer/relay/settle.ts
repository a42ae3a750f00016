/**
 * The settings of a relay: its settings so far, the options of the command line, and the volunteer's answers to
 * questions that only the volunteer can answer.
 */
import { randomKey } from '../../client/cli/issue-invite.ts';
import type { RelayFolder, Settings } from '../../client/cli/relay-folder.ts';
import { REGIONS } from '../../worker/config.ts';
import { Questions } from '../terminal/questions.ts';
import { publishedKeys, replacePublishedKeys } from './keys.ts';
import { checkName, randomName } from './names.ts';
import { type Asked, checkVariable, type Relay } from './variables.ts';

/** Options of the command line. */
export interface Wishes {
  name?: string | undefined;
  access?: string | undefined;
  backends?: string | undefined;
  region?: string | undefined;
  domain?: string | undefined;
}

interface AskedFor {
  variable: Asked;
  wish: 'access' | 'backends' | 'region';
  question: string;
  usual: string;
  /** The whole answers, by the one key that stands for each. */
  short?: ReadonlyMap<string, string>;
}

const ASKED: AskedFor[] = [
  {
    variable: 'ACCESS',
    wish: 'access',
    question:
      'Who may use the relay: "invite", only people to whom you give a link, or "open" (o), all who know its address?\n' +
      'An open relay says what it is to everybody who asks: a censor who scans addresses finds it with one request.',
    usual: 'invite',
    short: new Map([
      ['i', 'invite'],
      ['o', 'open'],
    ]),
  },
  {
    variable: 'BACKENDS',
    wish: 'backends',
    question: 'Which chat service is it for: "whatsapp", or addresses such as chat.example.org:5223?',
    usual: 'whatsapp',
  },
  {
    variable: 'HUB_REGION',
    wish: 'region',
    question: `Near whom are its users (${REGIONS.join(', ')}; empty: near the first of them)?`,
    usual: '',
  },
];

/**
 * The relay of the folder with the wishes applied. Makes a relay, with its key, where the folder has none yet.
 * @param yes asks nothing, and takes the usual answers
 * @throws Error for a wish that cannot be
 * @throws Failure when the relay would need another key, and the volunteer refuses
 */
export async function settleRelay(folder: RelayFolder, wishes: Wishes, yes: boolean): Promise<Relay> {
  const questions = new Questions(yes);
  try {
    const known = folder.readSettings();
    const wished = await settle(known, wishes, questions);
    const secrets = folder.readSecrets() ?? newSecrets(folder);
    // Use the settings from before the wishes: the new settings may no longer say that the relay was open.
    const published = known ? await publishedKeys({ settings: known, secrets }) : [];
    const relay = await replacePublishedKeys(folder, { settings: { ...wished, published }, secrets }, questions);
    folder.writeSettings(relay.settings);
    return relay;
  } finally {
    questions.close();
  }
}

function newSecrets(folder: RelayFolder) {
  const secrets = { RELAY_KEY: randomKey() };
  folder.createSecrets(secrets);
  return secrets;
}

async function settle(known: Settings | undefined, wishes: Wishes, questions: Questions): Promise<Settings> {
  const name = nameOf(known, wishes.name);
  const vars = { ...known?.vars };
  for (const { variable, wish, question, usual, short } of ASKED) {
    const whole = (answer: string) => short?.get(answer) ?? answer;
    const check = (answer: string) => checkVariable(variable, whole(answer));
    const wished = wishes[wish];
    if (wished !== undefined) await checkVariable(variable, wished);
    vars[variable] = wished ?? vars[variable] ?? whole(await questions.ask(question, usual, check));
  }
  const domain = wishes.domain ?? known?.domain;
  if (domain !== undefined) checkDomain(domain);
  const rest = known ?? { invites: [], revoked: [] };
  return { ...rest, name, ...(domain && { domain }), vars };
}

function checkDomain(domain: string): void {
  if (URL.parse(`https://${domain}/`)?.host !== domain || !domain.includes('.'))
    throw new Error(`--domain: "${domain}" is no host name, such as roses.example.org.`);
}

function nameOf(known: Settings | undefined, wished: string | undefined): string {
  if (wished !== undefined) checkName(wished);
  // Another name is another Worker: the links would still lead to the old Worker.
  if (known?.claimed && wished !== undefined && wished !== known.name)
    throw new Error(
      `The relay is deployed as "${known.name}". For another name, move the folder .relay away, deploy, and then remove the old one: ` +
        `npx wrangler delete --name ${known.name}`,
    );
  return wished ?? known?.name ?? randomName();
}
