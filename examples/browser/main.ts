/** A page that says one thing to a backend, through a relay, and shows the backend's whole answer. */
import { connect } from 'puente';
// Sentences for people, in place of codes.
import 'puente/sentences';

async function ask(backend: string, relay: string, text: string): Promise<string> {
  const socket = connect(backend, { relay });
  const said = new Blob([text]).stream().pipeTo(socket.writable);
  let answer = '';
  const collect = new WritableStream<string>({
    write(part) {
      answer += part;
    },
  });
  // Write and read at once: a backend that nobody reads from may stop reading, too.
  await Promise.all([said, socket.readable.pipeThrough(new TextDecoderStream()).pipeTo(collect)]);
  return answer;
}

const form = document.querySelector('form') as HTMLFormElement;
const output = document.querySelector('output') as HTMLOutputElement;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  const field = (name: string): string => String(fields.get(name));
  try {
    output.value = await ask(field('backend'), field('relay'), field('text'));
  } catch (error) {
    output.value = String(error);
  }
});
