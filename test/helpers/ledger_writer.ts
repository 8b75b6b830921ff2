/**
 * A second, independent writer of the ledger for tests of derive, audit and rebuild: stores events and moves the counters for what was
 * really inserted, in one transaction and in the lock order that all writers share. It knows nothing of the views that recount.
 */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import {
  INSERT_EVENTS,
  UPSERT_ADDED_METRICS,
  UPSERT_RUNS,
  UPSERT_SET_METRICS,
  UPSERT_STAGES,
  UPSERT_VENDORS,
} from './ledger_writer_sql.ts';

export interface LedgerRow {
  tenant_id: number;
  run_id: number;
  stage: string;
  kind: 'run' | 'stage' | 'item' | 'vendor_call' | 'event' | 'log';
  seq: number;
  /** Timestamp text with microseconds. */
  ts: string;
  span_id: string;
  event: string;
  status: 'ok' | 'error' | 'skip' | 'retry';
  duration_ms: number | null;
  vendor: string | null;
  calls: number;
  errors: number;
  units_total: number;
  units_success: number;
  units_error: number;
  rate_limit_hits: number;
  quota_exhausted: boolean;
  cost_usd: string | null;
  tokens_input: number;
  tokens_output: number;
  metrics: object | null;
  company_id: number | null;
  bucket: string | null;
  extra: object | null;
}

let spans = 0;

/** A row with the defaults of its kind; each call has another span id. */
export function ledgerRow(
  given: Pick<LedgerRow, 'tenant_id' | 'run_id' | 'kind' | 'ts'> & Partial<LedgerRow>,
): LedgerRow {
  spans++;
  const isUnit = given.kind === 'item' || (given.kind === 'stage' && given.seq !== 0);
  const status = given.status ?? 'ok';
  return {
    stage: given.kind === 'run' ? '_run' : 'crawl',
    seq: 1,
    span_id: spans.toString(16).padStart(16, '0'),
    event: given.kind === 'vendor_call' ? 'vendor_call' : status === 'error' ? 'error' : 'finish',
    status,
    duration_ms: null,
    vendor: given.kind === 'vendor_call' ? 'openai' : null,
    calls: given.kind === 'vendor_call' ? 1 : 0,
    errors: given.kind === 'vendor_call' && status === 'error' ? 1 : 0,
    units_total: isUnit ? 1 : 0,
    units_success: isUnit && status === 'ok' ? 1 : 0,
    units_error: isUnit && status === 'error' ? 1 : 0,
    rate_limit_hits: 0,
    quota_exhausted: false,
    cost_usd: null,
    tokens_input: 0,
    tokens_output: 0,
    metrics: null,
    company_id: null,
    bucket: null,
    extra: null,
    ...given,
  };
}

export interface WriteOptions {
  /** Status that this write gives the run; default: left as it is. */
  status?: 'running' | 'succeeded' | 'failed' | 'cancelled';
  now?: Date;
  /** Called inside the transaction, before its commit. */
  beforeCommit?: () => Promise<void>;
}

/** Stores rows (one tenant and run or many) and moves the counters. Rows that are there already move nothing. Returns how many were new. */
export function writeRows(pool: Pool, rows: LedgerRow[], options: WriteOptions = {}): Promise<number> {
  return inTransaction(pool, async (client) => {
    const now = options.now ?? new Date();
    const fresh = await insertEvents(client, rows);
    const json = JSON.stringify(fresh);
    await client.query(UPSERT_RUNS, [json, options.status ?? null, now]);
    for (const sql of [UPSERT_STAGES, UPSERT_VENDORS, UPSERT_SET_METRICS, UPSERT_ADDED_METRICS])
      await client.query(sql, [json]);
    await markDirty(client, fresh, options, now);
    await options.beforeCommit?.();
    return fresh.length;
  });
}

async function insertEvents(client: PoolClient, rows: LedgerRow[]): Promise<LedgerRow[]> {
  const { rows: inserted } = await client.query<{ tenant_id: number; run_id: number; key: string }>(INSERT_EVENTS, [
    JSON.stringify(rows),
  ]);
  const keys = new Set(inserted.map((row) => row.key));
  return rows.filter((row) => keys.has(`${row.tenant_id}/${row.run_id}/${row.span_id}/${row.seq}`));
}

async function markDirty(client: PoolClient, rows: LedgerRow[], options: WriteOptions, now: Date): Promise<void> {
  const changes = new Map<string, { tenant_id: number; run_id: number; changes: number }>();
  for (const { tenant_id, run_id } of rows) {
    const before = changes.get(`${tenant_id}/${run_id}`)?.changes ?? 0;
    changes.set(`${tenant_id}/${run_id}`, { tenant_id, run_id, changes: before + 1 });
  }
  const runs = [...changes.values()];
  const ended = options.status !== undefined && options.status !== 'running';
  await client.query(loadSql('queries/write/mark_dirty'), [
    runs.map((run) => run.tenant_id),
    runs.map((run) => run.run_id),
    runs.map((run) => run.changes),
    runs.map(() => ended),
    runs.map(() => ended),
    now,
  ]);
}

/** Makes the event partitions of UTC days, as `2026-03-01`. */
export async function createDays(pool: Pool, firstDay: string, lastDay: string): Promise<void> {
  await pool.query('select runledger.ensure_partitions($1::date, $2::date)', [firstDay, lastDay]);
}

/** Numbers that look random and are the same at every run of a test (a linear congruential generator). */
export function sequence(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A run with rows of every kind and counters that are all above zero; two stages, two vendors, both sorts of metrics, over midnight. */
export function mixedRun(tenantId: number, runId: number, seed: number, items = 40): LedgerRow[] {
  const next = sequence(seed);
  const run = { tenant_id: tenantId, run_id: runId };
  const at = () =>
    `2026-03-0${1 + next(2)} ${10 + next(10)}:${10 + next(50)}:${10 + next(50)}.${100_000 + next(900_000)}+00`;
  const statuses = ['ok', 'ok', 'ok', 'error', 'skip'] as const;
  const rows: LedgerRow[] = [];
  for (const stage of ['crawl', 'score']) {
    rows.push(ledgerRow({ ...run, stage, kind: 'stage', seq: 0, ts: at(), event: 'start' }));
    rows.push(
      ledgerRow({
        ...run,
        stage,
        kind: 'stage',
        ts: at(),
        duration_ms: 1 + next(90_000),
        units_total: 0,
        units_success: 0,
      }),
    );
    for (const event of ['retry', 'fallback'])
      rows.push(ledgerRow({ ...run, stage, kind: 'event', seq: 2, ts: at(), event }));
    for (let item = 0; item < items; item++) {
      const status = item === 0 ? 'error' : (statuses[next(statuses.length)] ?? 'ok');
      rows.push(ledgerRow({ ...run, stage, kind: 'item', ts: at(), status, duration_ms: next(5_000) }));
      const usage = { duration_ms: next(3_000), tokens_input: 1 + next(900), tokens_output: 1 + next(90) };
      const limits = { rate_limit_hits: 1, quota_exhausted: item === 3 };
      const cost_usd = item % 4 === 1 ? null : `0.00${1 + next(99_999)}`;
      const vendor = item % 2 === 0 ? 'openai' : 'hunter';
      const failed = item < 2 ? 'error' : 'ok';
      rows.push(
        ledgerRow({
          ...run,
          stage,
          kind: 'vendor_call',
          ts: at(),
          status: failed,
          vendor,
          cost_usd,
          ...usage,
          ...limits,
        }),
      );
    }
  }
  const sent = { stages: 2, items: 2 * items, vendor_calls: 2 * items, dropped: 1 };
  const metrics = {
    set: { candidates_selected: `${1 + next(500)}` },
    add: { emails_found: `${1 + next(50)}.25` },
    sent,
  };
  rows.push(ledgerRow({ ...run, kind: 'run', ts: at(), metrics }));
  rows.push(
    ledgerRow({
      ...run,
      kind: 'run',
      ts: at(),
      metrics: { set: { candidates_selected: '7' }, add: { emails_found: '1' } },
    }),
  );
  rows.push(ledgerRow({ ...run, kind: 'log', seq: -1, ts: at(), event: 'note' }));
  return rows;
}
