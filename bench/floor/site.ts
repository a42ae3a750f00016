/** An ordinary Worker: a site of one page, by Hono. It shares no code with the relay, whose answers to strangers are timed beside it. */
import { Hono } from 'hono';

const app = new Hono();

app.all('*', (c) => c.text('Hello World!'));

export default app;
