/**
 * Which run a trace belongs to, by its root. First in the lock order of the write transaction; what is cached was committed.
 */

import type pg from 'pg';
import type { EventRow, TraceBinding } from '../map/row.ts';
import { loadSql } from '../store/sql.ts';
import type { NamedRuns } from './runs.ts';

export interface Bound {
  tenantId: number;
  runId: number;
}

export interface TraceRef {
  tenantId: number;
  traceId: string;
}

const MAX_CACHED = 50_000;

export function traceKey(tenantId: number, traceId: string): string {
  return `${tenantId}:${traceId}`;
}

/** Committed bindings by traceKey. */
export class BindingCache {
  readonly #bound = new Map<string, Bound>();

  get(key: string): Bound | undefined {
    return this.#bound.get(key);
  }

  add(bindings: ReadonlyMap<string, Bound>): void {
    if (this.#bound.size + bindings.size > MAX_CACHED) this.#bound.clear();
    for (const [key, bound] of bindings) this.#bound.set(key, bound);
  }

  clear(): void {
    this.#bound.clear();
  }
}

/**
 * Ties the traces of root run spans to their runs.
 * @returns the traces bound in this transaction, whose parked rows are to be taken; `known` gains every binding read or made;
 * `conflicts` counts roots that name another run than the one that committed first.
 */
export async function bindTraces(
  client: pg.PoolClient,
  bindings: readonly TraceBinding[],
  runs: NamedRuns,
  cache: BindingCache,
  known: Map<string, Bound>,
  nowText: string,
): Promise<{ fresh: TraceRef[]; conflicts: number }> {
  const wanted = new Map<string, TraceRef & { bound: Bound }>();
  let conflicts = 0;
  for (const { tenantId, run, traceId, claimsTenantless } of bindings) {
    const runId = runs.idOf(tenantId, run);
    if (runId === 0) continue;
    // Spans that came without a tenant by an ingest token wait under tenant 0; only a root sent with one may claim them.
    for (const side of claimsTenantless ? [tenantId, 0] : [tenantId]) {
      const key = traceKey(side, traceId);
      const before = cache.get(key) ?? wanted.get(key)?.bound;
      if (before === undefined) wanted.set(key, { tenantId: side, traceId, bound: { tenantId, runId } });
      else if (before.runId !== runId || before.tenantId !== tenantId) conflicts++;
    }
  }
  if (wanted.size === 0) return { fresh: [], conflicts };

  const records = [...wanted.values()].map(({ tenantId, traceId, bound }) => ({
    tenant_id: tenantId,
    trace_id: traceId,
    run_tenant_id: bound.tenantId,
    run_id: bound.runId,
  }));
  const made = await client.query<{ tenant_id: number; trace_id: string }>(loadSql('queries/write/bind_traces'), [
    JSON.stringify(records),
    nowText,
  ]);
  const fresh: TraceRef[] = [];
  for (const row of made.rows) {
    const key = traceKey(row.tenant_id, row.trace_id);
    const own = wanted.get(key);
    if (own === undefined) continue;
    known.set(key, own.bound);
    wanted.delete(key);
    fresh.push({ tenantId: row.tenant_id, traceId: row.trace_id });
  }
  await findBindings(client, [...wanted.values()], known);
  for (const [key, { bound }] of wanted) {
    const first = known.get(key);
    if (first !== undefined && (first.runId !== bound.runId || first.tenantId !== bound.tenantId)) conflicts++;
  }
  return { fresh, conflicts };
}

/** Adds what the database knows of these traces to `known`. */
export async function findBindings(
  client: pg.PoolClient,
  traces: readonly TraceRef[],
  known: Map<string, Bound>,
): Promise<void> {
  if (traces.length === 0) return;
  const { rows } = await client.query<{ tenant_id: number; trace_id: string; run_tenant_id: number; run_id: number }>(
    loadSql('queries/write/find_bindings'),
    [traces.map(({ tenantId }) => tenantId), traces.map(({ traceId }) => traceId)],
  );
  for (const row of rows)
    known.set(traceKey(row.tenant_id, row.trace_id), { tenantId: row.run_tenant_id, runId: row.run_id });
}

/** Whether a row has to follow its trace: it names no run, or came without a tenant. */
export function followsTrace(row: EventRow): boolean {
  return row.run === null || row.tenantId === 0;
}
