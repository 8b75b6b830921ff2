/** What a sweep of the parking place looks for: rows whose run became known while they were being parked. */

import type pg from 'pg';
import { loadSql } from '../store/sql.ts';
import type { Unpark } from './batch.ts';

const SWEEP_LIMIT = 500;

/** @param adopted rows may also wait for a run that another application has to make */
export async function findUnparkable(pool: pg.Pool, adopted: boolean): Promise<Unpark> {
  const traces = await pool.query<{ tenant_id: number; trace_id: string }>(loadSql('queries/write/find_parked_bound'), [
    SWEEP_LIMIT,
  ]);
  const runs = adopted
    ? await pool.query<{ tenant_id: number; run_id: number }>(loadSql('queries/write/find_parked_runs'), [SWEEP_LIMIT])
    : { rows: [] };
  return {
    traces: traces.rows.map((row) => ({ tenantId: row.tenant_id, traceId: row.trace_id })),
    runs: runs.rows.map((row) => ({ tenantId: row.tenant_id, runId: row.run_id })),
  };
}
