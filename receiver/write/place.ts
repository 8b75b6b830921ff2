/** Where rows belong: in the run they name, in the run of their trace, or aside until one of these is known. */

import type pg from 'pg';
import { MADE_IDS_FROM } from '../map/ids.ts';
import type { EventRow } from '../map/row.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { loadSql } from '../store/sql.ts';
import type { Batch } from './batch.ts';
import { type BindingCache, type Bound, findBindings, followsTrace, type TraceRef, traceKey } from './bindings.ts';
import { placeInTrace, takeParked, takeParkedOfRuns, type Waiting } from './parked.ts';
import { daysOf, dayText } from './timestamp.ts';

/** What placing needs of a group's tools. */
interface PlaceTools {
  pool: pg.Pool;
  bindings: BindingCache;
}

export interface Placement {
  /** In the order of the requests. */
  placed: EventRow[];
  waiting: Waiting[];
}

export async function placeRows(
  client: pg.PoolClient,
  tools: PlaceTools,
  batches: readonly Batch[],
  known: Map<string, Bound>,
): Promise<Placement> {
  const asked = new Map<string, TraceRef>();
  for (const batch of batches) {
    for (const row of batch.rows) {
      if (!followsTrace(row)) continue;
      const key = traceKey(row.tenantId, row.traceId);
      const cached = tools.bindings.get(key);
      if (cached !== undefined) known.set(key, cached);
      else if (!known.has(key)) asked.set(key, { tenantId: row.tenantId, traceId: row.traceId });
    }
  }
  await findBindings(client, [...asked.values()], known);

  const placement: Placement = { placed: [], waiting: [] };
  for (const batch of batches) {
    const rootless = new Set(batch.rootsWithoutRun.map(({ tenantId, traceId }) => traceKey(tenantId, traceId)));
    for (const row of batch.rows) placeRow(row, placement, rootless, known);
  }
  return placement;
}

function placeRow(
  row: EventRow,
  { placed, waiting }: Placement,
  rootless: ReadonlySet<string>,
  known: ReadonlyMap<string, Bound>,
): void {
  if (followsTrace(row)) {
    const key = traceKey(row.tenantId, row.traceId);
    const bound = known.get(key);
    if (bound !== undefined) placed.push(placeInTrace(row, bound));
    else waiting.push({ row, reason: rootless.has(key) ? 'no_root_run' : 'no_run_yet', runId: null });
  } else placed.push(row);
}

export interface Taken {
  rows: EventRow[];
  /** Rows taken away because their day is no longer kept. Counted with this try only: nothing of it is left when the transaction fails. */
  tooOld: EventRow[];
}

/** What waited for the traces bound here, and for what a sweep found. */
export async function takeWaiting(
  client: pg.PoolClient,
  tools: PlaceTools,
  batches: readonly Batch[],
  fresh: readonly TraceRef[],
  known: Map<string, Bound>,
): Promise<Taken> {
  const swept = batches.flatMap((batch) => batch.unpark?.traces ?? []);
  await findBindings(client, swept, known);
  const taken = [
    ...(await takeParked(client, [...fresh, ...swept], known)),
    ...(await takeParkedOfRuns(
      client,
      batches.flatMap((batch) => batch.unpark?.runs ?? []),
    )),
  ];
  if (taken.length === 0) return { rows: [], tooOld: [] };
  // No lock on the events is held yet, so making a partition on another connection cannot wait for this transaction.
  const dropped = new Set(await ensurePartitions(tools.pool, daysOf(taken)));
  if (dropped.size === 0) return { rows: taken, tooOld: [] };
  const isDropped = (row: EventRow) => dropped.has(dayText(row.tsUs));
  return { rows: taken.filter((row) => !isDropped(row)), tooOld: taken.filter(isDropped) };
}

/**
 * Where enrichment_runs belongs to another application, a run with a decimal id has to exist there first: its application may not have
 * committed yet, and a row of ours would take an id of its sequence. Such rows wait. Ids that we gave ourselves are out of its reach.
 * @returns the heartbeats of runs that exist.
 */
export async function keepExisting<B extends { tenantId: number; runId: number }>(
  client: pg.PoolClient,
  placement: Placement,
  heartbeats: readonly B[],
): Promise<B[]> {
  const name = (of: { tenantId: number; runId: number }) => `${of.tenantId}:${of.runId}`;
  const absent = new Map(
    [...placement.placed, ...heartbeats].filter(({ runId }) => runId < MADE_IDS_FROM).map((of) => [name(of), of]),
  );
  const wanted = [...absent.values()];
  const found = await client.query<{ tenant_id: number; run_id: number }>(loadSql('queries/write/find_runs'), [
    wanted.map(({ tenantId }) => tenantId),
    wanted.map(({ runId }) => runId),
  ]);
  for (const row of found.rows) absent.delete(`${row.tenant_id}:${row.run_id}`);
  if (absent.size === 0) return [...heartbeats];
  for (const row of placement.placed) {
    if (absent.has(name(row))) placement.waiting.push({ row, reason: 'run_not_found', runId: row.runId });
  }
  placement.placed = placement.placed.filter((row) => !absent.has(name(row)));
  return heartbeats.filter((beat) => !absent.has(name(beat)));
}
