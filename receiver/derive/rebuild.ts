/**
 * Rebuild: writes the counters of runs again from their events. Each run is one transaction that takes the run row first, as every writer
 * does before it moves a counter, and recounts in later statements; so ingest may go on meanwhile and the result is exact.
 */

import type { Pool, PoolClient } from 'pg';
import { inTransaction, retrying } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import { allowLongWork, holdFloor, type RunKey } from './run_key.ts';

/** Table by table in the lock order of the write path. */
const RUN_STEPS = [{ table: 'enrichment_runs', query: 'rebuild_run' }] as const;
const COUNTER_STEPS = [
  { table: 'run_stage_stats', query: 'rebuild_surplus_stage_stats' },
  { table: 'run_stage_stats', query: 'rebuild_stage_stats' },
  { table: 'run_vendor_usage', query: 'rebuild_surplus_vendor_usage' },
  { table: 'run_vendor_usage', query: 'rebuild_vendor_usage' },
  { table: 'run_metrics', query: 'rebuild_surplus_metrics' },
  { table: 'run_metrics', query: 'rebuild_clear_metrics' },
  { table: 'run_metrics', query: 'rebuild_metrics' },
] as const;
const RUNS_LISTED = 5_000;
/** Writers and rebuild wait for the same run rows; a lock time-out or a lost connection is worth another try. */
const TRIES = 5;

export interface RebuildChange {
  tenant_id: number;
  run_id: number;
  what: string;
  /** The stage, vendor or metric; empty for the run itself. */
  name: string;
  change: 'restored' | 'corrected' | 'removed';
}

export interface RebuildResult {
  runs_rebuilt: number;
  /** Runs whose events, or a part of them, are below the retention floor: left as they are. */
  runs_refused: number;
  changes: RebuildChange[];
}

export interface RebuildOptions {
  tenantId?: number | undefined;
  runId?: number | undefined;
  /** Called after each run with the number done so far. */
  onProgress?: ((runsDone: number) => void) | undefined;
}

/** Rebuilds the chosen runs, all by default, and marks them for derive. @param pool speaks as runledger_owner. */
export async function rebuild(pool: Pool, options: RebuildOptions = {}): Promise<RebuildResult> {
  const result: RebuildResult = { runs_rebuilt: 0, runs_refused: 0, changes: [] };
  let after: RunKey = { tenantId: -1, runId: -1 };
  for (;;) {
    const runs = await listRuns(pool, options, after);
    for (const run of runs) {
      const changes = await retrying(TRIES, () => rebuildRun(pool, run));
      if (changes === null) result.runs_refused++;
      else {
        result.runs_rebuilt++;
        result.changes.push(...changes);
      }
      options.onProgress?.(result.runs_rebuilt + result.runs_refused);
    }
    const last = runs.at(-1);
    if (last === undefined || runs.length < RUNS_LISTED) return result;
    after = last;
  }
}

function listRuns(pool: Pool, options: RebuildOptions, after: RunKey): Promise<RunKey[]> {
  return inTransaction(
    pool,
    async (client) => {
      await allowLongWork(client);
      const { rows } = await client.query<{ tenant_id: number; run_id: number }>(
        loadSql('queries/derive/rebuild_list_runs'),
        [options.tenantId ?? null, options.runId ?? null, after.tenantId, after.runId, RUNS_LISTED],
      );
      return rows.map((row) => ({ tenantId: row.tenant_id, runId: row.run_id }));
    },
    { readOnly: true },
  );
}

/** The changes made to one run; null when it is below the retention floor. */
function rebuildRun(pool: Pool, run: RunKey): Promise<RebuildChange[] | null> {
  return inTransaction(pool, async (client) => {
    await allowLongWork(client);
    const restored = await client.query(loadSql('queries/derive/rebuild_restore_run'), [run.tenantId, run.runId]);
    if (await isBelowFloor(client, run)) return null;
    const changes: RebuildChange[] = [];
    for (const { table, query } of [...RUN_STEPS, ...COUNTER_STEPS]) {
      // Prepared by name: planning over all day partitions costs more than recounting a small run.
      const { rows } = await client.query<{ name: string }>({
        name: query,
        text: loadSql(`queries/derive/${query}`),
        values: [run.tenantId, run.runId],
      });
      const change = query.startsWith('rebuild_surplus') ? 'removed' : 'corrected';
      for (const { name } of rows) changes.push(changeOf(run, table, name, change));
    }
    if (restored.rowCount === 1) {
      // A row without events was only put there to be locked while counters that belong to nothing were removed.
      const discarded = await client.query(loadSql('queries/derive/rebuild_discard_run'), [run.tenantId, run.runId]);
      if (discarded.rowCount === 1) return changes;
      await client.query(loadSql('queries/derive/rebuild_restore_state'), [run.tenantId, run.runId]);
      changes.unshift(changeOf(run, 'enrichment_runs', '', 'restored'));
    }
    await markForDerive(client, run);
    return changes;
  });
}

/**
 * Takes the run row. Asked after it is locked, so that what follows sees all that earlier holders of the lock committed. The floor is held:
 * events dropped before they are recounted would take their share of the counters with them.
 */
async function isBelowFloor(client: PoolClient, run: RunKey): Promise<boolean> {
  const parameters = [run.tenantId, run.runId, await holdFloor(client)];
  const { rows } = await client.query<{ is_below_floor: boolean }>(loadSql('queries/derive/lock_run'), parameters);
  return rows[0]?.is_below_floor === true;
}

function changeOf(run: RunKey, what: string, name: string, change: RebuildChange['change']): RebuildChange {
  return { tenant_id: run.tenantId, run_id: run.runId, what, name, change };
}

/** Percentiles are not counters: derive makes them again. */
async function markForDerive(client: PoolClient, run: RunKey): Promise<void> {
  const parameters = [[run.tenantId], [run.runId], [1], [false], [false], new Date()];
  await client.query(loadSql('queries/write/mark_dirty'), parameters);
}
