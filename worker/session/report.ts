/** The backend of a status. It sends the counts, and ends. It does not read the bytes that it gets. */
import { toUtf8 } from '../../protocol/bytes.ts';
import type { Code } from '../../protocol/errors.ts';
import type { StatusReport } from '../../protocol/permits/status.ts';
import { joinBriefly } from './echo.ts';
import type { Pipe } from './pipe.ts';

export async function joinReport(report: StatusReport, onEnded: (code: Code | undefined) => void): Promise<Pipe> {
  const { readable, writable } = new IdentityTransformStream();
  const pipe = await joinBriefly({ readable, writable: new WritableStream(), close: () => readable.cancel() }, onEnded);
  void say(JSON.stringify(report), writable);
  return pipe;
}

async function say(text: string, writable: WritableStream<Uint8Array>): Promise<void> {
  const writer = writable.getWriter();
  try {
    await writer.write(toUtf8(text));
    await writer.close();
  } catch {
    // The session has ended.
  }
}
