/**
 * What a run used of each model of its vendors. The write path counts by vendor alone; derive counts models from the events and keeps them
 * for when those are dropped. Part of a derive, in its transaction.
 */

import type { PoolClient } from 'pg';
import { loadSql } from '../store/sql.ts';
import type { RunKey } from './run_key.ts';

/** Of one vendor in one run. Names are the sender's: one that puts an id into them must not make a row a call. */
const MODELS_PER_VENDOR = 50;

/** A JSON array of the run's models, for storeModelUsage. @param bounds tenant, run, first and last event time */
export async function computeModelUsage(client: PoolClient, bounds: readonly unknown[]): Promise<string> {
  const sql = loadSql('queries/derive/compute_model_usage');
  const { rows } = await client.query<{ line: string }>(sql, [...bounds, MODELS_PER_VENDOR]);
  return `[${rows.map((row) => row.line).join(',')}]`;
}

/** Makes the run's model rows those of `models`. The caller holds the run row. */
export async function storeModelUsage(client: PoolClient, run: RunKey, models: string): Promise<void> {
  for (const query of ['remove_surplus_model_usage', 'store_model_usage'])
    await client.query(loadSql(`queries/derive/${query}`), [run.tenantId, run.runId, models]);
}

/** For a run that lost events: brings the sums over its models up to what its vendors say. The caller holds the run row. */
export async function storeModelRest(client: PoolClient, run: RunKey): Promise<void> {
  await client.query(loadSql('queries/derive/store_model_rest'), [run.tenantId, run.runId]);
}
