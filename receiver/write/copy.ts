/** Event rows as COPY text: the one list of columns and the one way of writing a row down. */

import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { EventRow } from '../map/row.ts';
import { loadSql } from '../store/sql.ts';
import { timestampText } from './timestamp.ts';

/** `table` is the parent, or this connection's temporary table. */
export type CopyTarget = 'run_event_logs' | 'incoming';

/** @throws a pg error: 23505 when a key is there already (only into run_event_logs), class 22 and 23 for a row that cannot be stored. */
export async function copyRows(client: pg.PoolClient, target: CopyTarget, rows: readonly EventRow[]): Promise<void> {
  const stream = client.query(copyFrom(loadSql(`queries/write/copy_into_${target}`)));
  await pipeline([encodeRows(rows)], stream);
}

/** In the order of sql/queries/write/copy_into_*.sql, which is the table's. */
export function encodeRows(rows: readonly EventRow[]): Buffer {
  let text = '';
  for (const row of rows) {
    text += `${row.runId}\t${row.tenantId}\t${copyText(row.stage)}\t${row.companyId ?? '\\N'}\t${copyText(row.event)}\t${row.status}\t${nullable(
      row.errorCode,
    )}\t${row.durationMs ?? '\\N'}\t${row.traceId}\t${nullable(row.extra)}\t${timestampText(row.tsUs)}\t${row.spanId}\t${row.seq}\t${
      row.kind
    }\t${nullable(row.vendor)}\t${row.calls}\t${row.errors}\t${row.unitsTotal}\t${row.unitsSuccess}\t${row.unitsError}\t${
      row.rateLimitHits
    }\t${row.quotaExhausted ? 't' : 'f'}\t${row.costUsd ?? '\\N'}\t${row.tokensInput}\t${row.tokensOutput}\t${nullable(
      row.priceId,
    )}\t${nullable(row.bucket)}\t${row.metrics === null ? '\\N' : copyText(JSON.stringify(row.metrics))}\n`;
  }
  return Buffer.from(text);
}

const SPECIAL = /[\\\t\n\r]/;

function copyText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}

function nullable(text: string | null): string {
  return text === null ? '\\N' : copyText(text);
}
