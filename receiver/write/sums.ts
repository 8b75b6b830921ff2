/**
 * What a set of stored rows adds to the counters and registers. The views runledger.recounted_* say the same in SQL; audit compares the two.
 */

import type { EventRow, Heartbeat } from '../map/row.ts';
import { entry } from './order.ts';
import { addToRun, type RunSum, runRecord, runSum } from './run_sum.ts';
import { addToStage, countsInStage, newStage, type StageSum, stageRecord } from './stage_sum.ts';
import {
  addMetrics,
  addToVendor,
  type MetricSum,
  metricRecord,
  newVendor,
  type VendorSum,
  vendorRecord,
} from './vendor_sum.ts';

/** Parameters of the upserts, each a list of records in the order of its table's key. */
export interface Sums {
  runs: object[];
  stages: object[];
  vendors: object[];
  metrics: object[];
  /** For dirty_runs: how many rows each run gained and whether its end is among them. */
  changes: { tenantId: number; runId: number; changes: number; ended: boolean }[];
}

export function sumRows(
  rows: readonly EventRow[],
  heartbeats: readonly (Heartbeat & { runId: number })[],
  runKeyOf: (tenantId: number, runId: number) => string | null,
): Sums {
  const runs = new Map<string, RunSum>();
  const stages = new Map<string, StageSum>();
  const vendors = new Map<string, VendorSum>();
  const metrics = new Map<string, MetricSum>();

  // Rows come sorted by run, so the run's sum is looked up once per run and not once per row.
  let run: RunSum | null = null;
  let runText = '';
  for (const row of rows) {
    if (run === null || run.runId !== row.runId || run.tenantId !== row.tenantId) {
      runText = `${row.tenantId}:${row.runId}`;
      run = runSum(runs, row.tenantId, row.runId, runKeyOf);
    }
    addToRun(run, row);
    if (countsInStage(row))
      addToStage(
        entry(stages, `${runText}:${row.stage}`, () => newStage(row)),
        row,
      );
    if (row.kind === 'vendor_call')
      addToVendor(
        entry(vendors, `${runText}:${row.vendor}`, () => newVendor(row)),
        row,
      );
    if (row.metrics !== null) addMetrics(metrics, runText, row);
  }
  for (const beat of heartbeats) {
    const beating = runSum(runs, beat.tenantId, beat.runId, runKeyOf);
    beating.lastUs = Math.max(beating.lastUs, beat.tsUs);
  }

  return {
    runs: [...runs.values()].map(runRecord),
    stages: [...stages.values()].map(stageRecord),
    vendors: [...vendors.values()].map(vendorRecord),
    metrics: [...metrics.values()].map(metricRecord),
    changes: [...runs.values()]
      .filter((sum) => sum.changes > 0)
      .map(({ tenantId, runId, changes, state }) => ({
        tenantId,
        runId,
        changes,
        ended: state !== null && state.status !== 'running',
      })),
  };
}
