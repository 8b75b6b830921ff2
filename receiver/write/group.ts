/**
 * One transaction: the rows of several requests and everything they move, in the lock order that all writers share.
 *
 *   before      run keys, partitions                      (short transactions of their own)
 *   in order    trace bindings, parked rows, events by key, runs, stages, vendors, metrics, dirty runs, refusals
 *   after       what was committed enters the caches
 */

import type pg from 'pg';
import type { EventRow } from '../map/row.ts';
import type { Quotas } from '../quota.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { inTransaction } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import type { Batch, WriteResult } from './batch.ts';
import { type BindingCache, type Bound, bindTraces, followsTrace, traceKey } from './bindings.ts';
import { probe, type Stored, storeAll, storeWhatIsNew } from './events.ts';
import { compareKeys, dropRepeats } from './key.ts';
import type { NameCache } from './names.ts';
import { parkRows } from './parked.ts';
import { keepExisting, placeRows, takeWaiting } from './place.ts';
import type { NamedRuns, RunIds } from './runs.ts';
import { type Sums, sumRows } from './sums.ts';
import { daysOf, dayText } from './timestamp.ts';

export interface GroupTools {
  pool: pg.Pool;
  runIds: RunIds;
  bindings: BindingCache;
  names: NameCache;
  /** COPY may go straight into the table. */
  bypassesPolicies: boolean;
  /** enrichment_runs belongs to another application: decimal run ids must exist there first. */
  adopted: boolean;
  quotas(): Quotas;
}

/** `careful`: any row may be stored already, so all go by `on conflict do nothing`. */
export type GroupMode = 'quick' | 'careful';

/**
 * @throws 23505 in mode quick when a row was stored already; ParkedFull; any retryable or permanent database error. Nothing is stored
 * unless it returns.
 */
export async function writeGroup(tools: GroupTools, batches: readonly Batch[], mode: GroupMode): Promise<WriteResult> {
  const now = new Date().toISOString();
  const runs = await tools.runIds.resolve(
    batches.flatMap((batch) => [...batch.rows, ...batch.bindings, ...batch.heartbeats]),
  );
  await refuseDroppedDays(tools, batches);
  for (const batch of batches) nameRuns(batch.rows, runs);
  const known = new Map<string, Bound>();
  const result = await inTransaction(tools.pool, async (client) => {
    const bound = await bindTraces(
      client,
      batches.flatMap((batch) => batch.bindings),
      runs,
      tools.bindings,
      known,
      now,
    );
    const placement = await placeRows(client, tools, batches, known);
    const fresh = batches.some((batch) => batch.leavesParked) ? [] : bound.fresh;
    const taken = await takeWaiting(client, tools, batches, fresh, known);
    placement.placed.push(...taken.rows);
    const heartbeats = batches
      .flatMap((batch) => batch.heartbeats)
      .map((beat) => ({ ...beat, runId: runs.idOf(beat.tenantId, beat.run) }));
    const existing = tools.adopted ? await keepExisting(client, placement, heartbeats) : heartbeats;
    const { placed, waiting } = placement;
    const parked = await parkRows(client, waiting, tools.quotas(), now);
    await markNoRootRun(client, batches, known);

    // A row that was parked may have come again and been placed since; groups with such rows are few.
    const stored = await storeEvents(client, tools, placed, taken.rows.length > 0 ? 'careful' : mode);
    await moveCounters(client, sumRows(stored.inserted, existing, runs.keyOf), now);
    const conflicts = stored.conflicts + bound.conflicts;
    await countRefusals(client, batches, taken.tooOld, conflicts, now);
    const inserted = stored.inserted.length;
    return {
      inserted,
      duplicates: placed.length - inserted + waiting.length - parked,
      conflicts,
      parked,
    };
  });
  tools.bindings.add(known);
  return result;
}

// Before the transaction -------------------------------------------------------------------------------------------------------

function nameRuns(rows: readonly EventRow[], runs: NamedRuns): void {
  for (const row of rows) {
    if (row.run !== null && row.tenantId !== 0) row.runId = runs.idOf(row.tenantId, row.run);
  }
}

/** Retention may have moved since the rows were mapped: a day that was dropped is never made again. */
async function refuseDroppedDays({ pool }: GroupTools, batches: readonly Batch[]): Promise<void> {
  const days = new Set(batches.flatMap((batch) => daysOf(batch.rows)));
  const dropped = new Set(await ensurePartitions(pool, [...days]));
  if (dropped.size === 0) return;
  for (const batch of batches) {
    const kept = batch.rows.filter((row) => !dropped.has(dayText(row.tsUs)));
    for (const row of batch.rows) {
      if (!dropped.has(dayText(row.tsUs))) continue;
      const refusal = {
        tenantId: row.tenantId,
        reason: 'too_old' as const,
        message: 'older than the events that are kept',
      };
      batch.refused.push(refusal);
      batch.refusals.push(refusal);
    }
    batch.rows = kept;
  }
}

async function markNoRootRun(
  client: pg.PoolClient,
  batches: readonly Batch[],
  known: ReadonlyMap<string, Bound>,
): Promise<void> {
  const roots = batches
    .flatMap((batch) => batch.rootsWithoutRun)
    .filter(({ tenantId, traceId }) => !known.has(traceKey(tenantId, traceId)));
  if (roots.length === 0) return;
  await client.query(loadSql('queries/write/mark_no_root_run'), [
    roots.map(({ tenantId }) => tenantId),
    roots.map(({ traceId }) => traceId),
  ]);
}

// Storing ----------------------------------------------------------------------------------------------------------------------

async function storeEvents(
  client: pg.PoolClient,
  tools: GroupTools,
  placed: readonly EventRow[],
  mode: GroupMode,
): Promise<Stored> {
  const { rows, conflicts } = dropRepeats([...placed].sort(compareKeys));
  await tools.names.limit(client, rows);
  if (mode === 'careful' || !tools.bypassesPolicies) {
    const stored = await storeWhatIsNew(client, rows);
    return { inserted: stored.inserted, conflicts: stored.conflicts + conflicts };
  }
  const stored = await storeAll(client, rows);
  return { inserted: stored.inserted, conflicts };
}

/** The first placed row of each batch: when it is stored, the batch is a resend. */
export async function findResent(tools: GroupTools, batches: readonly Batch[]): Promise<Set<Batch>> {
  const runs = await tools.runIds.resolve(batches.flatMap((batch) => batch.rows));
  for (const batch of batches) nameRuns(batch.rows, runs);
  const first = batches.flatMap((batch) => {
    const row = batch.rows.find((candidate) => !followsTrace(candidate) && candidate.runId !== 0);
    return row === undefined ? [] : [{ batch, row }];
  });
  if (first.length === 0) return new Set();
  const client = await tools.pool.connect();
  try {
    const hits = await probe(
      client,
      first.map(({ row }) => row),
    );
    return new Set([...hits].flatMap((index) => first[index]?.batch ?? []));
  } finally {
    client.release();
  }
}

async function moveCounters(client: pg.PoolClient, sums: Sums, now: string): Promise<void> {
  if (sums.runs.length === 0) return;
  const { rows } = await client.query<{ tenant_id: number; run_id: number; status: string }>(
    loadSql('queries/write/upsert_runs'),
    [JSON.stringify(sums.runs), now],
  );
  const upsert = async (name: string, records: object[]) => {
    if (records.length > 0) await client.query(loadSql(`queries/write/${name}`), [JSON.stringify(records)]);
  };
  await upsert('upsert_stage_stats', sums.stages);
  await upsert('upsert_vendor_usage', sums.vendors);
  await upsert('upsert_metrics', sums.metrics);
  if (sums.changes.length === 0) return;
  const running = new Set(
    rows.filter((row) => row.status === 'running').map((row) => `${row.tenant_id}:${row.run_id}`),
  );
  await client.query(loadSql('queries/write/mark_dirty'), [
    sums.changes.map(({ tenantId }) => tenantId),
    sums.changes.map(({ runId }) => runId),
    sums.changes.map(({ changes }) => changes),
    sums.changes.map(({ tenantId, runId }) => !running.has(`${tenantId}:${runId}`)),
    sums.changes.map(({ ended }) => ended),
    now,
  ]);
}

async function countRefusals(
  client: pg.PoolClient,
  batches: readonly Batch[],
  tooOld: readonly EventRow[],
  conflicts: number,
  now: string,
): Promise<void> {
  const counts = new Map<string, { tenantId: number; reason: string; count: number }>();
  const add = (tenantId: number, reason: string, count: number) => {
    const key = `${tenantId}:${reason}`;
    const entry = counts.get(key);
    if (entry === undefined) counts.set(key, { tenantId, reason, count });
    else entry.count += count;
  };
  for (const batch of batches) for (const { tenantId, reason } of batch.refusals) add(tenantId, reason, 1);
  for (const { tenantId } of tooOld) add(tenantId, 'too_old', 1);
  if (conflicts > 0) add(0, 'conflict', conflicts);
  if (counts.size === 0) return;
  const records = [...counts.values()];
  await client.query(loadSql('queries/write/count_refusals'), [
    records.map(({ tenantId }) => tenantId),
    records.map(({ reason }) => reason),
    records.map(({ count }) => count),
    now.slice(0, 10),
  ]);
}
