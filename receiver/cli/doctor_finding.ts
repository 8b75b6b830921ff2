/** One thing that `runledger doctor` looked at. */

export interface Finding {
  /** What was looked at, in a word or two; the same at every call. */
  check: string;
  /** warn: it works, and somebody should know. */
  state: 'ok' | 'warn' | 'fail';
  says: string;
  /** What to do; absent when all is well. */
  advice?: string;
}

export function ok(check: string, says: string): Finding {
  return { check, state: 'ok', says };
}

export function warn(check: string, says: string, advice: string): Finding {
  return { check, state: 'warn', says, advice };
}

export function fail(check: string, says: string, advice: string): Finding {
  return { check, state: 'fail', says, advice };
}
