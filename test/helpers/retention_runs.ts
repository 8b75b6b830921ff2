/** Runs over two days in March, and looks at what retention must leave as it was. */
import type { Pool } from 'pg';
import type { RetentionOptions } from '../../receiver/derive/retention.ts';
import { ledgerRow, mixedRun, writeRows } from './ledger_writer.ts';

/** Keeps this day and those after it. */
export function keepFrom(day: string): RetentionOptions {
  return {
    eventRetentionDays: 30,
    qaRetentionDays: 90,
    now: new Date(Date.parse(`${day}T02:13:00Z`) + 31 * 86_400_000),
  };
}

/** Three runs of two tenants, each with events on both 1 and 2 March, and one that is over on 1 March. */
export async function writeRuns(owner: Pool): Promise<void> {
  await writeRows(owner, [...mixedRun(1, 11, 1), ...mixedRun(1, 12, 2), ...mixedRun(2, 11, 3)], {
    status: 'succeeded',
  });
  await writeRows(owner, [itemAt('2026-03-01 10:00:00+00', 13)], { status: 'succeeded' });
}

export function itemAt(ts: string, runId: number) {
  return ledgerRow({ tenant_id: 1, run_id: runId, kind: 'item', ts, duration_ms: 5 });
}

export async function countOf(owner: Pool, from: string, where = 'true'): Promise<number> {
  return (await owner.query(`select count(*)::int as n from ${from} where ${where}`)).rows[0]?.n;
}

export async function readFloor(owner: Pool): Promise<string> {
  return (await owner.query('select floor_day::text as day from runledger.retention')).rows[0]?.day;
}

/** Counters of all runs, and the seals but for their times. */
export async function readBooks(owner: Pool): Promise<unknown[]> {
  const books: unknown[] = [];
  for (const table of ['run_stage_stats', 'run_vendor_usage', 'run_metrics'])
    books.push((await owner.query(`select to_jsonb(t) as row from public.${table} t order by to_jsonb(t)::text`)).rows);
  const runs = `select to_jsonb(t) - '{derived_at,last_received_at}'::text[] as row from public.enrichment_runs t order by tenant_id, run_id`;
  books.push((await owner.query(runs)).rows);
  return books;
}

export async function readSeals(owner: Pool): Promise<unknown[]> {
  return (
    await owner.query(`select to_jsonb(t) - 'sealed_at' as row from runledger.sealed_runs t order by tenant_id, run_id`)
  ).rows;
}

/** What audit and retention say when every book is right. */
export const CLEAN = { difference: 0, sealed_difference: 0 };
