/** What the doctor found. */
export interface Finding {
  about: string;
  /** `null`: it cannot be found out from here, or is for the volunteer to decide. */
  ok: boolean | null;
  says: string;
  /** What to do. */
  fix?: string;
}

export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
