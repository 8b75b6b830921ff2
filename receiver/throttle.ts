/** Says what goes wrong without flooding the log: during an outage every request fails for the same reason. */

import type { RequestError } from './errors.ts';
import type { Logger } from './log.ts';

const EVERY_MS = 5_000;
const CAUSES_MAX = 100;

/** The first failure of a kind is logged at once, the next ones every five seconds with their number. */
export function createFailureLog(log: Logger, now: () => number = Date.now): (error: RequestError) => void {
  const seen = new Map<string, { atMs: number; suppressed: number }>();
  return (error) => {
    const kind = kindOf(error.cause);
    const last = seen.get(kind);
    if (last !== undefined && now() - last.atMs < EVERY_MS) {
      last.suppressed += 1;
      return;
    }
    if (seen.size >= CAUSES_MAX) seen.clear();
    seen.set(kind, { atMs: now(), suppressed: 0 });
    log.error({ err: error, alike_before: last?.suppressed ?? 0 }, 'a request could not be served and will come again');
  };
}

function kindOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  const { name, code } = cause as NodeJS.ErrnoException;
  return `${name} ${code ?? ''}`;
}
