/**
 * An ordinary Worker: a site of one page, by Hono. It shares no code with the relay. The bench times the relay's
 * answers to strangers beside the answers of this site.
 */
import { Hono } from 'hono';

const app = new Hono();

app.all('*', (c) => c.text('Hello World!'));

export default app;
