/**
 * Trend buckets of a run that has ended: its durations, counted in logarithmic buckets that stay when its events are dropped, so that a
 * quantile over any set of runs needs no events. Part of a derive, in its transaction.
 */

import type { PoolClient } from 'pg';
import { loadSql } from '../store/sql.ts';
import type { RunKey } from './run_key.ts';

/** A JSON array of the run's trend rows, for storeTrends. @param bounds tenant, run, first and last event time */
export async function computeTrends(client: PoolClient, bounds: readonly unknown[]): Promise<string> {
  const { rows } = await client.query<{ line: string }>(loadSql('queries/derive/compute_trends'), [...bounds]);
  return `[${rows.map((row) => row.line).join(',')}]`;
}

/** Makes the run's trend rows those of `trends`. The caller holds the run row. */
export async function storeTrends(client: PoolClient, run: RunKey, trends: string): Promise<void> {
  for (const query of ['remove_surplus_trends', 'store_trends'])
    await client.query(loadSql(`queries/derive/${query}`), [run.tenantId, run.runId, trends]);
}
