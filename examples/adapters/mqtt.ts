/**
 * MQTT over TLS through a relay, with MQTT.js.
 *
 *     node examples/adapters/mqtt.ts LINK chat.example.org 8883
 */
import { MqttClient } from 'mqtt';
import { stream } from 'puente/mqtt';

const [relay = '', host = '', port] = process.argv.slice(2);

const client = new MqttClient(stream({ relay }), { host, port: Number(port) });
client.on('error', (error) => console.error(error.message));
client.on('message', (topic, text) => {
  console.log(topic, String(text));
  client.end();
});
await client.subscribeAsync('plaza');
await client.publishAsync('plaza', '¿Quién está?');
