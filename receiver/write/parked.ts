/** Rows kept aside until their run is known: parking them, and bringing them back as the rows they are. */

import type pg from 'pg';
import { LIMITS } from '../limits.ts';
import { hashItem } from '../map/ids.ts';
import { blankRow, type EventRow } from '../map/row.ts';
import type { Quotas } from '../quota.ts';
import { loadSql } from '../store/sql.ts';
import { type Bound, type TraceRef, traceKey } from './bindings.ts';
import { timestampText } from './timestamp.ts';

/** A tenant has more rows waiting than it may: the sender has to come back later. */
export class ParkedFull extends Error {
  override readonly name = 'ParkedFull';
  readonly tenantIds: ReadonlySet<number>;

  constructor(tenantIds: ReadonlySet<number>) {
    super('too many spans wait for their run');
    this.tenantIds = tenantIds;
  }
}

export interface Waiting {
  row: EventRow;
  reason: 'no_run_yet' | 'no_root_run' | 'run_not_found';
  /** For run_not_found: the run that another application has to make first. */
  runId: number | null;
}

/**
 * @returns how many rows were new to the parking place.
 * @throws ParkedFull before anything is parked.
 */
export async function parkRows(
  client: pg.PoolClient,
  waiting: readonly Waiting[],
  quotas: Quotas,
  nowText: string,
): Promise<number> {
  if (waiting.length === 0) return 0;
  const parts = waiting.map(({ row, reason, runId }) => ({
    tenant_id: row.tenantId,
    trace_id: row.traceId,
    ts: timestampText(row.tsUs),
    span_id: row.spanId,
    seq: row.seq,
    reason,
    run_id: runId,
    row: compact(row),
  }));
  const texts = parts.map((record) => JSON.stringify(record));
  const newcomers = new Map<number, Newcomers>();
  parts.forEach(({ tenant_id }, index) => {
    const { rows, bytes } = newcomers.get(tenant_id) ?? { rows: 0, bytes: 0 };
    newcomers.set(tenant_id, { rows: rows + 1, bytes: bytes + (texts[index]?.length ?? 0) });
  });
  await requireRoom(client, newcomers, quotas);
  const { rowCount } = await client.query(loadSql('queries/write/park_rows'), [`[${texts.join(',')}]`, nowText]);
  return rowCount ?? 0;
}

interface Newcomers {
  rows: number;
  /** About what they take when stored. */
  bytes: number;
}

/** @throws ParkedFull */
async function requireRoom(
  client: pg.PoolClient,
  newcomers: ReadonlyMap<number, Newcomers>,
  quotas: Quotas,
): Promise<void> {
  const { rows } = await client.query<{ tenant_id: number; parked_rows: number; parked_bytes: number }>(
    loadSql('queries/write/count_parked'),
    [[...newcomers.keys()], LIMITS.parkedRows],
  );
  const full = rows.filter(({ tenant_id, parked_rows, parked_bytes }) => {
    const come = newcomers.get(tenant_id) ?? { rows: 0, bytes: 0 };
    const bytesMax = quotas.get(tenant_id)?.parkedBytes ?? LIMITS.parkedBytes;
    // Where nothing waits, one request always gets in, or it could never.
    return parked_rows + come.rows > LIMITS.parkedRows || (parked_rows > 0 && parked_bytes + come.bytes > bytesMax);
  });
  if (full.length > 0) throw new ParkedFull(new Set(full.map((row) => row.tenant_id)));
}

/** Takes what waited for these traces, placed in the runs that the traces belong to. */
export async function takeParked(
  client: pg.PoolClient,
  traces: readonly TraceRef[],
  known: ReadonlyMap<string, Bound>,
): Promise<EventRow[]> {
  if (traces.length === 0) return [];
  const { rows } = await client.query<ParkedRecord>(loadSql('queries/write/take_parked'), [
    traces.map(({ tenantId }) => tenantId),
    traces.map(({ traceId }) => traceId),
  ]);
  return rows.flatMap((record) => {
    const bound = known.get(traceKey(record.tenant_id, record.trace_id));
    return bound === undefined ? [] : [placeInTrace(revive(record.row), bound)];
  });
}

export async function takeParkedOfRuns(
  client: pg.PoolClient,
  runs: readonly { tenantId: number; runId: number }[],
): Promise<EventRow[]> {
  if (runs.length === 0) return [];
  const { rows } = await client.query<ParkedRecord>(loadSql('queries/write/take_parked_of_runs'), [
    runs.map(({ tenantId }) => tenantId),
    runs.map(({ runId }) => runId),
  ]);
  return rows.map(({ row }) => revive(row));
}

/** The row in the run of its trace. A copy: the transaction may be tried again and find another binding. */
export function placeInTrace(row: EventRow, bound: Bound): EventRow {
  const text = row.tenantId === 0 ? itemText(row) : null;
  return {
    ...row,
    tenantId: bound.tenantId,
    runId: bound.runId,
    // Ids made from text contain the tenant, which was not known when the row was mapped.
    companyId: text === null ? row.companyId : hashItem(bound.tenantId, text),
  };
}

interface ParkedRecord {
  tenant_id: number;
  trace_id: string;
  row: Partial<EventRow>;
}

/** Only what differs from a blank row, so that waiting costs little room. */
function compact(row: EventRow): Partial<EventRow> {
  const blank: Record<string, unknown> = { ...blankRow(0, null) };
  return Object.fromEntries(Object.entries(row).filter(([name, value]) => value !== blank[name]));
}

function revive(stored: Partial<EventRow>): EventRow {
  return Object.assign(blankRow(stored.tenantId ?? 0, stored.run ?? null), stored);
}

function itemText(row: EventRow): string | null {
  if (row.companyId === null || row.extra === null) return null;
  const { item_id } = JSON.parse(row.extra) as { item_id?: unknown };
  return typeof item_id === 'string' ? item_id : null;
}
