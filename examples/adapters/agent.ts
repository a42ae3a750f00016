/**
 * A WebSocket through a relay, with `ws`; the same agent serves `https.request`.
 *
 *     node examples/adapters/agent.ts LINK wss://chat.example.org/
 */
import { once } from 'node:events';
import { PuenteAgent } from 'puente/agent';
import { WebSocket } from 'ws';

const [relay = '', url = ''] = process.argv.slice(2);

const socket = new WebSocket(url, { agent: new PuenteAgent({ relay }) });
await once(socket, 'open');
socket.send('¿Me lees?');
const [answer] = await once(socket, 'message');
console.log(String(answer));
socket.close();
