/**
 * Event rows into run_event_logs, each at most once. The quick way is COPY straight into the table. Where a row may be there already, or
 * where row level security binds this role, rows go through a temporary table and `on conflict do nothing`.
 */

import type pg from 'pg';
import type { EventRow } from '../map/row.ts';
import { loadSql } from '../store/sql.ts';
import { copyRows } from './copy.ts';
import { keyText } from './key.ts';
import { timestampText } from './timestamp.ts';

export interface Stored {
  /** The rows that this transaction added; only they move counters. In key order. */
  inserted: EventRow[];
  conflicts: number;
}

/** @throws 23505 when a row is there already although it was not expected: the group is tried again with `storeWhatIsNew`. */
export async function storeAll(client: pg.PoolClient, rows: EventRow[]): Promise<Stored> {
  if (rows.length > 0) await copyRows(client, 'run_event_logs', rows);
  return { inserted: rows, conflicts: 0 };
}

export async function storeWhatIsNew(client: pg.PoolClient, rows: EventRow[]): Promise<Stored> {
  if (rows.length === 0) return { inserted: [], conflicts: 0 };
  await client.query(loadSql('queries/write/create_incoming'));
  await copyRows(client, 'incoming', rows);
  const { rows: keys } = await client.query<{
    tenant_id: number;
    run_id: number;
    ts_us: number;
    span_id: string;
    seq: number;
  }>(loadSql('queries/write/insert_incoming'));
  if (keys.length === rows.length) return { inserted: rows, conflicts: 0 };
  const conflicts = await client.query<{ conflicts: number }>(loadSql('queries/write/count_conflicts'));
  const inserted = new Set(keys.map((key) => keyText(key.tenant_id, key.run_id, key.ts_us, key.span_id, key.seq)));
  return {
    inserted: rows.filter((row) => inserted.has(keyText(row.tenantId, row.runId, row.tsUs, row.spanId, row.seq))),
    conflicts: conflicts.rows[0]?.conflicts ?? 0,
  };
}

/** Which of these rows are stored already; one row per request tells whether the request is a resend. */
export async function probe(client: pg.PoolClient, rows: readonly EventRow[]): Promise<Set<number>> {
  if (rows.length === 0) return new Set();
  const found = await client.query<{ index: number }>(loadSql('queries/write/probe_keys'), [
    rows.map(({ tenantId }) => tenantId),
    rows.map(({ runId }) => runId),
    rows.map(({ tsUs }) => timestampText(tsUs)),
    rows.map(({ spanId }) => spanId),
    rows.map(({ seq }) => seq),
  ]);
  return new Set(found.rows.map(({ index }) => index));
}
