/** Shows how a check ended, in the words of the page. */
import type { CheckPage, Failure } from '../../protocol/check-page.ts';
import type { RelayReport, Stage } from '../index.ts';

export function showSuccess(status: HTMLElement, report: RelayReport, { backend, language, words }: CheckPage): void {
  const last: Stage = backend === null ? 'hello' : 'answer';
  const time = inMilliseconds(timeUntil(last, report), language);
  const remark = words.remarks[report.code as keyof typeof words.remarks];
  const works = backend === null ? words.reached : words.works;
  status.className = 'ok';
  status.replaceChildren(
    paragraph(works.replace('{time}', time), 'verdict'),
    ...(remark ? [paragraph(remark.says), paragraph(remark.next)] : []),
  );
}

export function showFailure(status: HTMLElement, report: RelayReport, { words, failures }: CheckPage): void {
  const failure: Failure | undefined = failures[report.code ?? ''];
  const verdict = paragraph(`${words.failed} `, 'verdict');
  const code = document.createElement('code');
  code.textContent = report.code;
  verdict.append(code);
  const sentences = failure
    ? [paragraph(failure.says), paragraph(failure.next, 'next')]
    : [inEnglish(paragraph(report.message)), inEnglish(paragraph(report.next ?? '', 'next'))];
  status.className = 'failed';
  status.replaceChildren(verdict, ...sentences);
}

/** For a browser that lacks something, or a page from before a deploy, whose scripts are gone. */
export function showBroken(status: HTMLElement, { words }: CheckPage): void {
  status.className = 'failed';
  status.replaceChildren(paragraph(words.broken, 'verdict'));
}

/**
 * Milliseconds of the whole way, with the connection. The backend gets its first bytes with the hello, so the answer
 * alone is no round trip.
 */
function timeUntil(last: Stage, { stages }: RelayReport): number {
  const passed = stages.slice(0, stages.findIndex(({ stage }) => stage === last) + 1);
  return passed.reduce((sum, { ms }) => sum + ms, 0);
}

function inMilliseconds(ms: number, language: string): string {
  return new Intl.NumberFormat(language, { style: 'unit', unit: 'millisecond' }).format(ms);
}

function paragraph(text: string, className = ''): HTMLParagraphElement {
  const made = document.createElement('p');
  made.textContent = text;
  made.className = className;
  return made;
}

function inEnglish(of: HTMLElement): HTMLElement {
  of.lang = 'en';
  of.dir = 'ltr';
  return of;
}
