/** One thing that the doctor found. */
export interface Finding {
  about: string;
  /** `null`: this machine cannot find it out, or the volunteer must decide. */
  ok: boolean | null;
  says: string;
  /** What to do. */
  fix?: string;
}

export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
