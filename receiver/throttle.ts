/** Says what goes wrong without flooding the log: during an outage every request fails for the same reason. */

import type { RequestError } from './errors.ts';
import type { Logger } from './log.ts';
import type { RefusalReason } from './map/row.ts';

const EVERY_MS = 5_000;
const CAUSES_MAX = 100;
const REFUSALS_EVERY_MS = 60_000;

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

/** What counts refusals: the receiver's metrics. */
interface RefusalCounter {
  refused(reason: RefusalReason, records?: number): void;
}

/**
 * The same counter, which also says the first refusal of each reason at once and the next ones every minute. Most senders do not look into an
 * answer of 200, so that without this line a pipeline whose tenant nobody registered fails in silence on both sides.
 */
export function tellingRefusals<C extends RefusalCounter>(counter: C, log: Logger, now: () => number = Date.now): C {
  const seen = new Map<RefusalReason, { atMs: number; suppressed: number }>();
  const refused = (reason: RefusalReason, records = 1) => {
    counter.refused(reason, records);
    const last = seen.get(reason);
    if (last !== undefined && now() - last.atMs < REFUSALS_EVERY_MS) {
      last.suppressed += records;
      return;
    }
    seen.set(reason, { atMs: now(), suppressed: 0 });
    const said = { reason, records, records_before: last?.suppressed ?? 0 };
    log.warn(said, 'refused and not stored; docs/troubleshooting.md says for each reason what to do');
  };
  return { ...counter, refused };
}
