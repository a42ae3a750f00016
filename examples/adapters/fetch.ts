/**
 * Node's own `fetch` through a relay, with a dispatcher of undici 7.
 *
 *     node examples/adapters/fetch.ts LINK https://chat.example.org/
 */

import { connector } from 'puente/undici';
import { Agent } from 'undici';

const [relay = '', url = ''] = process.argv.slice(2);

const dispatcher = new Agent({ connect: connector({ relay }) });
// The types of Node's fetch come from the undici within Node, which may be another version.
const response = await fetch(url, { dispatcher } as RequestInit);
console.log(response.status, await response.text());
await dispatcher.close();
