/**
 * IRC over TLS through a relay, with irc-framework: sends a message to its own user.
 *
 *     node examples/adapters/irc.ts LINK irc.example.org 6697 NICK
 */
import { Client } from 'irc-framework';
import { transport } from 'puente/irc';

const [relay = '', host = '', port, nick = ''] = process.argv.slice(2);

const client = new Client();
client.on('registered', () => client.say(nick, '¿Hay alguien? 🌉'));
client.on('privmsg', ({ nick, message }) => {
  console.log(`<${nick}> ${message}`);
  client.quit();
});
client.on('socket close', (error) => error && console.error(error.message));
client.connect({ host, port: Number(port), nick, transport: transport({ relay }) });
