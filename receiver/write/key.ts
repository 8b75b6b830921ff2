/** The primary key of run_event_logs: what makes a resend harmless and gives everybody one lock order. */

import type { EventRow } from '../map/row.ts';

/** Order of (tenant_id, run_id, ts, span_id, seq), the same as PostgreSQL's (span_id is hex, collate "C"). */
export function compareKeys(a: EventRow, b: EventRow): number {
  return (
    a.tenantId - b.tenantId ||
    a.runId - b.runId ||
    a.tsUs - b.tsUs ||
    (a.spanId < b.spanId ? -1 : a.spanId > b.spanId ? 1 : 0) ||
    a.seq - b.seq
  );
}

export function keyText(tenantId: number, runId: number, tsUs: number, spanId: string, seq: number): string {
  return `${tenantId}:${runId}:${tsUs}:${spanId}:${seq}`;
}

/** Of a stable sort's result, the first row of each key. */
export function dropRepeats(sorted: readonly EventRow[]): { rows: EventRow[]; conflicts: number } {
  const rows: EventRow[] = [];
  let conflicts = 0;
  let last: EventRow | undefined;
  for (const row of sorted) {
    if (last !== undefined && compareKeys(last, row) === 0) {
      if (!sameContent(last, row)) conflicts++;
      continue;
    }
    rows.push(row);
    last = row;
  }
  return { rows, conflicts };
}

/** The same columns that sql/queries/write/count_conflicts.sql compares. */
function sameContent(a: EventRow, b: EventRow): boolean {
  return (
    a.kind === b.kind &&
    a.event === b.event &&
    a.status === b.status &&
    a.errorCode === b.errorCode &&
    a.durationMs === b.durationMs &&
    a.companyId === b.companyId &&
    a.calls === b.calls &&
    a.errors === b.errors &&
    a.unitsTotal === b.unitsTotal &&
    a.unitsSuccess === b.unitsSuccess &&
    a.unitsError === b.unitsError &&
    a.rateLimitHits === b.rateLimitHits &&
    a.quotaExhausted === b.quotaExhausted &&
    a.tokensInput === b.tokensInput &&
    a.tokensOutput === b.tokensOutput &&
    a.bucket === b.bucket &&
    JSON.stringify(a.metrics) === JSON.stringify(b.metrics)
  );
}
