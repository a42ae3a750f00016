import { useMemo } from 'preact/hooks';
import { useWords } from './words/words.ts';

export interface Times {
  /** The hour and the minute. */
  clock(at: number): string;
  /** The day, which divides a conversation. */
  day(at: number): string;
  /** The time in a list: the hour for today, the day for other days. */
  short(at: number): string;
  number(value: number): string;
}

/** ECMA-262's last millisecond. A time from the other person's page may be any number. */
const LAST = 8.64e15;
const within = (at: number): number => Math.max(-LAST, Math.min(LAST, at)) || 0;

/** Times and numbers in the language of the page, and in the usual calendar of this language. */
export function useTimes(): Times {
  const { locale, today } = useWords();
  return useMemo(() => {
    const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
    const long = new Intl.DateTimeFormat(locale, { dateStyle: 'long' });
    const date = new Intl.DateTimeFormat(locale, { month: 'numeric', day: 'numeric' });
    const numbers = new Intl.NumberFormat(locale);
    const isToday = (at: number): boolean => new Date(within(at)).toDateString() === new Date().toDateString();
    return {
      clock: (at) => clock.format(within(at)),
      day: (at) => (isToday(at) ? today : long.format(within(at))),
      short: (at) => (isToday(at) ? clock.format(within(at)) : date.format(within(at))),
      number: (value) => numbers.format(value),
    };
  }, [locale, today]);
}
