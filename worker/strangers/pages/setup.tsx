import { Page } from './page.tsx';

/**
 * The page that a relay shows at its address until its settings can be used. It speaks to the person who set the relay
 * up, in the language of the commands.
 */
export function SetupPage({ problem }: { problem: string }) {
  return (
    <Page title="This relay is not set up yet" language="en" dir="ltr">
      <h1>This relay is not set up yet</h1>
      <p>{problem}</p>
      {problem.startsWith('RELAY_KEY ') ? <KeySteps /> : <SettingsSteps />}
    </Page>
  );
}

function KeySteps() {
  return (
    <>
      <p>In the folder from which the relay was deployed, make a key, and put it:</p>
      <pre>{'npm run key\nnpx wrangler secret put RELAY_KEY'}</pre>
      <p>The first command prints the key that the second one asks for, and the link to share.</p>
    </>
  );
}

/** Do not mention the key: a new key would break every link that was shared. */
function SettingsSteps() {
  return (
    <>
      <p>
        Correct it in <code>.relay/settings.json</code>, in the folder from which the relay was deployed, and deploy
        again:
      </p>
      <pre>npm run deploy</pre>
      <p>
        Or, where it was deployed by hand, in <code>wrangler.toml</code>:
      </p>
      <pre>npx wrangler deploy</pre>
    </>
  );
}
