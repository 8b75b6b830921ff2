/**
 * Merges the durations of runs by day into runledger.trend_days, which readers take instead of the runs' own rows while they are of the
 * same runs. Nothing depends on it but speed: a day that this job has not come to is read run by run.
 */

import type { Pool } from 'pg';
import { inTransaction } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import { allowLongWork } from './run_key.ts';

/** A copy of the rows of one run saves nothing. */
const RUNS_WORTH_IT = 2;
const RUNS_LISTED = 5_000;

export interface RollUpResult {
  /** Runs from before fingerprints were taken. */
  runs_hashed: number;
  /** Days of a pipeline that were merged again, or whose rows went. */
  days_merged: number;
}

interface TrendDay {
  tenant_id: number;
  pipeline: string;
  environment: string;
  /** UTC, YYYY-MM-DD. */
  day: string;
}

/** @param pool speaks as runledger_owner. May run twice, beside itself and derives, and stop anywhere, with the same end result. */
export async function rollUpTrends(pool: Pool): Promise<RollUpResult> {
  const runsHashed = await hashRuns(pool);
  const days = await listStaleDays(pool);
  for (const day of days) await mergeDay(pool, day);
  return { runs_hashed: runsHashed, days_merged: days.length };
}

/** One statement a run, so that no two run rows are held at once. */
async function hashRuns(pool: Pool): Promise<number> {
  for (let hashed = 0; ; ) {
    const sql = loadSql('jobs/list_unhashed_runs');
    const { rows } = await pool.query<{ tenant_id: number; run_id: number }>(sql, [RUNS_LISTED]);
    for (const { tenant_id, run_id } of rows) await pool.query(loadSql('jobs/set_trends_hash'), [tenant_id, run_id]);
    hashed += rows.length;
    if (rows.length < RUNS_LISTED) return hashed;
  }
}

function listStaleDays(pool: Pool): Promise<TrendDay[]> {
  return inTransaction(
    pool,
    async (client) => {
      await allowLongWork(client);
      return (await client.query<TrendDay>(loadSql('jobs/list_stale_trend_days'), [RUNS_WORTH_IT])).rows;
    },
    { readOnly: true },
  );
}

function mergeDay(pool: Pool, { tenant_id, pipeline, environment, day }: TrendDay): Promise<void> {
  return inTransaction(pool, async (client) => {
    await allowLongWork(client);
    const key = [tenant_id, pipeline, environment, day];
    // What is merged is read after the lock, so that of two merges the later one has the newer runs.
    await client.query(loadSql('jobs/lock_trend_day'), key);
    await client.query(loadSql('jobs/remove_trend_day'), key);
    await client.query(loadSql('jobs/store_trend_day'), [...key, RUNS_WORTH_IT]);
  });
}
