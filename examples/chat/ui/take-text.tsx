/** Beside a field: two ways to fill it without typing, the clipboard and an image with a QR code. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { readQr } from './qr-image.ts';
import { useWords } from './words/words.ts';

export function TakeText({ take }: { take(text: string): void }): JSX.Element {
  const words = useWords();
  const [fault, setFault] = useState('');
  const paste = async (): Promise<void> => {
    try {
      take(await navigator.clipboard.readText());
      setFault('');
    } catch {
      setFault(words.cannotPaste);
    }
  };
  const read = async (input: HTMLInputElement): Promise<void> => {
    const [file] = input.files ?? [];
    if (!file) return;
    try {
      const text = await readQr(file);
      setFault(text === undefined ? words.noQr : '');
      if (text !== undefined) take(text);
    } catch {
      setFault(words.noQrReader);
    }
    // Empty the input, so that the user can choose the same file again.
    input.value = '';
  };
  return (
    <>
      <div class="choices">
        {/* The clipboard is absent in pages that are not served securely, and in older browsers. */}
        {'readText' in (navigator.clipboard ?? {}) && (
          <button type="button" onClick={paste}>
            <Icon name="paste" />
            {words.paste}
          </button>
        )}
        <label class="button">
          <Icon name="image" />
          {words.qrImage}
          <input type="file" accept="image/*" class="unseen" onChange={({ currentTarget }) => read(currentTarget)} />
        </label>
      </div>
      <p class="fault" role="alert">
        {fault}
      </p>
    </>
  );
}
