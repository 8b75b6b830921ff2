/**
 * Derives one run: percentiles of its stages and vendors, what it used of each model, items by bucket, whether it is degraded, and once it
 * has ended its trend buckets and its QA draw. All is computed while writers go on; only then is the run row taken, and the run counts as
 * derived only if its count of changes is still the one that was read first. Counters are never touched. A derive that dies half-way has
 * changed nothing.
 */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import { computeModelUsage, storeModelRest, storeModelUsage } from './model_usage.ts';
import { computeDraw, countBuckets, storeBucketCounts, storeDraw } from './qa_draw.ts';
import { allowLongWork, holdFloor, type RunKey, readFloor } from './run_key.ts';
import { keepTimeline } from './timelines.ts';
import { computeTrends, storeTrends } from './trends.ts';

/** A running run with more events than this is derived once in LARGE_RUN_WAIT_MS. */
const LARGE_RUN_EVENTS = 200_000;
const LARGE_RUN_WAIT_MS = 60_000;
const CHANGED_RUN_WAIT_MS = 10_000;

/**
 * derived: clean. changed: written, and dirty again because rows came meanwhile, if only those of its own QA draw. clean, early: nothing
 * to do (yet). busy: another receiver derives it now. dropped: its events, or the run itself, are gone and nothing was written.
 */
export type DeriveOutcome = 'derived' | 'changed' | 'clean' | 'early' | 'busy' | 'dropped';

export interface DeriveOptions {
  now: Date;
  /** Also a run that is not due yet. */
  force: boolean;
}

interface RunFacts {
  status: string;
  from_at: string;
  to_at: string;
  is_below_floor: boolean;
  event_count: number;
  derived_ms_ago: number;
}

interface Percentiles {
  duration_samples: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
}
type StagePercentiles = Percentiles & { stage: string; duration_class: string };
type VendorPercentiles = Percentiles & { vendor: string };

/** @param pool speaks as runledger_owner. */
export function deriveRun(pool: Pool, run: RunKey, options: DeriveOptions): Promise<DeriveOutcome> {
  return inTransaction(pool, (client) => deriveInTransaction(client, run, options));
}

async function deriveInTransaction(client: PoolClient, run: RunKey, options: DeriveOptions): Promise<DeriveOutcome> {
  await allowLongWork(client);
  if (!(await tryLock(client, run))) return 'busy';
  const dirty = await readDirty(client, run, options.now);
  if (dirty === undefined) return 'clean';
  if (!options.force && !dirty.is_due) return 'early';

  const facts = await readRun(client, run, options.now);
  if (facts === undefined || facts.is_below_floor) return endDropped(client, run, dirty.changes);
  const waitMs = largeRunWaitMs(facts);
  if (!options.force && waitMs > 0) {
    await postpone(client, run, waitMs, options.now, false);
    return 'early';
  }
  return computeAndStore(client, run, facts, dirty.changes, options.now);
}

async function computeAndStore(
  client: PoolClient,
  run: RunKey,
  facts: RunFacts,
  changes: number,
  now: Date,
): Promise<DeriveOutcome> {
  const bounds = [run.tenantId, run.runId, facts.from_at, facts.to_at];
  const stages = await client.query<StagePercentiles>(loadSql('queries/derive/compute_stage_percentiles'), bounds);
  const vendors = await client.query<VendorPercentiles>(loadSql('queries/derive/compute_vendor_percentiles'), bounds);
  const buckets = await countBuckets(client, bounds);
  const models = await computeModelUsage(client, bounds);
  const ending = hasEnded(facts.status) ? await computeEnding(client, bounds, buckets.length > 0) : NO_ENDING;

  // The floor is read again: events dropped while we computed would make the percentiles those of a part of the run.
  const status = await lockRun(client, run, await holdFloor(client));
  if (status === null) return endDropped(client, run, changes);
  await storePercentiles(client, run, stages.rows, vendors.rows);
  await storeBucketCounts(client, run, buckets);
  await storeModelUsage(client, run, models);
  // A run that ended or went on while we computed is dirty, and the next derive deals with it.
  const { trends, draw } = hasEnded(status) ? ending : NO_ENDING;
  await storeTrends(client, run, trends);
  await storeDraw(client, run, draw, now);
  await client.query(loadSql('queries/derive/store_run'), [run.tenantId, run.runId, now]);
  if (await clearDirty(client, run, changes)) return 'derived';
  await postpone(client, run, nextWaitMs(facts), now, true);
  return 'changed';
}

/** The run, or a part of its events, is gone: nothing can be computed any more but what its counters tell. */
async function endDropped(client: PoolClient, run: RunKey, changes: number): Promise<DeriveOutcome> {
  await lockRun(client, run, await readFloor(client));
  await storeModelRest(client, run);
  await clearDirty(client, run, changes);
  return 'dropped';
}

/** What only a run that has ended gets: its trend rows as JSON, and the items drawn for QA. */
interface Ending {
  trends: string;
  draw: string[];
}
const NO_ENDING: Ending = { trends: '[]', draw: [] };

function hasEnded(status: string): boolean {
  return status !== 'running';
}

async function computeEnding(client: PoolClient, bounds: unknown[], hasBuckets: boolean): Promise<Ending> {
  await keepTimeline(client, bounds);
  const trends = await computeTrends(client, bounds);
  return { trends, draw: hasBuckets ? await computeDraw(client, bounds) : [] };
}

function largeRunWaitMs(facts: RunFacts): number {
  if (facts.status !== 'running' || facts.event_count <= LARGE_RUN_EVENTS) return 0;
  return Math.max(0, LARGE_RUN_WAIT_MS - facts.derived_ms_ago);
}

function nextWaitMs(facts: RunFacts): number {
  return facts.status === 'running' && facts.event_count > LARGE_RUN_EVENTS ? LARGE_RUN_WAIT_MS : CHANGED_RUN_WAIT_MS;
}

async function tryLock(client: PoolClient, run: RunKey): Promise<boolean> {
  const sql = loadSql('queries/derive/try_lock_derive');
  const { rows } = await client.query<{ locked: boolean }>(sql, [run.tenantId, run.runId]);
  return rows[0]?.locked === true;
}

async function readDirty(client: PoolClient, run: RunKey, now: Date) {
  const sql = loadSql('queries/derive/read_dirty');
  const { rows } = await client.query<{ changes: number; is_due: boolean }>(sql, [run.tenantId, run.runId, now]);
  return rows[0];
}

async function readRun(client: PoolClient, run: RunKey, now: Date): Promise<RunFacts | undefined> {
  const floorAt = await readFloor(client);
  const sql = loadSql('queries/derive/read_run');
  const { rows } = await client.query<RunFacts>(sql, [run.tenantId, run.runId, floorAt, now]);
  return rows[0];
}

/** The status of the run, whose row is now ours; null when the run or a part of its events is gone. */
async function lockRun(client: PoolClient, run: RunKey, floorAt: string): Promise<string | null> {
  const sql = loadSql('queries/derive/lock_run');
  const parameters = [run.tenantId, run.runId, floorAt];
  const { rows } = await client.query<{ status: string; is_below_floor: boolean }>(sql, parameters);
  return rows[0]?.is_below_floor === false ? rows[0].status : null;
}

async function storePercentiles(
  client: PoolClient,
  run: RunKey,
  stages: StagePercentiles[],
  vendors: VendorPercentiles[],
): Promise<void> {
  await client.query(loadSql('queries/derive/store_stage_percentiles'), [
    run.tenantId,
    run.runId,
    stages.map((row) => row.stage),
    stages.map((row) => row.duration_class),
    ...percentileArrays(stages),
  ]);
  await client.query(loadSql('queries/derive/store_vendor_percentiles'), [
    run.tenantId,
    run.runId,
    vendors.map((row) => row.vendor),
    ...percentileArrays(vendors),
  ]);
}

function percentileArrays(rows: Percentiles[]): number[][] {
  return [
    rows.map((row) => row.duration_samples),
    rows.map((row) => row.p50_ms),
    rows.map((row) => row.p95_ms),
    rows.map((row) => row.p99_ms),
  ];
}

async function clearDirty(client: PoolClient, run: RunKey, changes: number): Promise<boolean> {
  const sql = loadSql('queries/derive/clear_dirty');
  const { rowCount } = await client.query(sql, [run.tenantId, run.runId, changes]);
  return rowCount === 1;
}

async function postpone(
  client: PoolClient,
  run: RunKey,
  waitMs: number,
  now: Date,
  restartsWait: boolean,
): Promise<void> {
  const sql = loadSql('queries/derive/postpone_dirty');
  await client.query(sql, [run.tenantId, run.runId, waitMs, now, restartsWait]);
}
