/** Finds out the address of the chat server, and shows the chat. */
import { render } from 'preact';
import type { ServerAddress } from './net/chat.ts';
import { App } from './ui/app.tsx';
import { keptIdentity } from './ui/codes.ts';
import { Elsewhere } from './ui/elsewhere.tsx';
import { Model } from './ui/model.ts';
import { takeTurn } from './ui/one-window.ts';

async function serverAddress(): Promise<ServerAddress> {
  return (await fetch('/server.json')).json();
}

/** Shows a page in place of the chat: nothing here can mend the fault. */
function showNothing(reason: 'noServer' | 'noIdentity'): void {
  render(<Elsewhere reason={reason} button="reload" act={() => location.reload()} />, document.body);
}

function start(server: ServerAddress, isWanted: boolean): void {
  let model: Model | undefined;
  takeTurn(
    {
      begin() {
        const identity = keptIdentity();
        if (!identity) return showNothing('noIdentity');
        model = new Model(server, identity);
        render(<App model={model} />, document.body);
      },
      wait() {
        model?.close();
        const act = (): void => start(server, true);
        render(<Elsewhere reason="isElsewhere" button="useHere" act={act} />, document.body);
      },
    },
    isWanted,
  );
}

serverAddress().then(
  (server) => start(server, false),
  () => showNothing('noServer'),
);
