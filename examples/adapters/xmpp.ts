/**
 * XMPP through a relay, with xmpp.js: sends a message to its own user.
 *
 *     node examples/adapters/xmpp.ts LINK xmpps://chat.example.org USER PASSWORD
 */
import { client, xml } from '@xmpp/client';
import { throughRelay } from 'puente/xmpp';

const [relay = '', service = '', username = '', password = ''] = process.argv.slice(2);

const xmpp = throughRelay(client({ service, username, password }), { relay });
xmpp.on('error', (error) => console.error(error.message));
xmpp.on('stanza', (stanza) => {
  const text = stanza.is('message') && stanza.getChildText('body');
  if (!text) return;
  console.log(text);
  void xmpp.stop();
});
const me = await xmpp.start();
await xmpp.send(xml('presence'));
await xmpp.send(xml('message', { type: 'chat', to: me.toString() }, xml('body', {}, 'Nota para mí: 你好')));
