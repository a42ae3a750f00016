/** Finds out where the chat server is, and shows the chat. */
import { render } from 'preact';
import type { ServerAddress } from './net/chat.ts';
import { App } from './ui/app.tsx';
import { Elsewhere } from './ui/elsewhere.tsx';
import { Model } from './ui/model.ts';
import { takeTurn } from './ui/one-window.ts';

async function serverAddress(): Promise<ServerAddress> {
  return (await fetch('/server.json')).json();
}

function start(server: ServerAddress, isWanted: boolean): void {
  let model: Model | undefined;
  takeTurn(
    {
      begin() {
        model = new Model(server);
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
  () => render(<Elsewhere reason="noServer" button="reload" act={() => location.reload()} />, document.body),
);
