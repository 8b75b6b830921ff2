/** The read queries as typed functions, for the API and the commands alike: what both say about a run cannot differ. */

import { z } from 'zod';
import { loadSql } from '../store/sql.ts';
import type { Queryable, Scope } from './access.ts';
import { cursorId, cursorInt, cursorTime, cutPage, decodeCursor } from './cursor.ts';
import { parseRunRef, type RunsQuery, type StoredKey } from './input.ts';
import { Problem } from './problem.ts';
import type { ListedRun, Run, RunMetrics, RunPage, RunStats } from './shape.ts';

export type RunFilter = Omit<RunsQuery, 'tenant'> & {
  tenantId: number | null;
  /** The only runs that are asked for, as pairs of tenant and run. */
  only?: readonly { tenant_id: number; run_id: number }[];
};

const runKey = z.tuple([cursorTime, cursorId, cursorInt]);

/** Newest first; a page's place is a key, so runs that arrive meanwhile neither shift nor repeat a line. */
export async function readRuns(client: Queryable, filter: RunFilter): Promise<RunPage> {
  const after = decodeCursor(runKey, filter.cursor) ?? [null, null, null];
  const lines = await readLines<ListedRun & { sorted_at: string }>(client, 'queries/serve/runs', [
    filter.tenantId,
    filter.pipeline ?? null,
    filter.status ?? null,
    filter.from ?? null,
    filter.to ?? null,
    ...after,
    filter.limit + 1,
    filter.environment ?? null,
    filter.q ?? null,
    filter.has_alerts ?? null,
    filter.only?.map((run) => run.tenant_id) ?? null,
    filter.only?.map((run) => run.run_id) ?? null,
  ]);
  const { shown, next_cursor } = cutPage(lines, filter.limit, (run) => [run.sorted_at, run.run_id, run.tenant_id]);
  return { runs: shown.map(({ sorted_at: _, ...run }) => run), next_cursor };
}

/** These runs as they stand in a list, in the order they are asked for; one that is gone is left out. */
export async function readListedRuns(
  client: Queryable,
  only: readonly { tenant_id: number; run_id: number }[],
): Promise<ListedRun[]> {
  if (only.length === 0) return [];
  const { runs } = await readRuns(client, { tenantId: null, limit: only.length, only });
  const byName = new Map(runs.map((run) => [`${run.tenant_id}:${run.run_id}`, run]));
  return only.flatMap((run) => byName.get(`${run.tenant_id}:${run.run_id}`) ?? []);
}

/**
 * The one run that `ref` (a run id or a run key) names.
 * @param tenantId null: look at all tenants that the client may see
 * @throws Problem 404 when there is none, 409 with the list when it names runs of several tenants
 */
export async function readRun(
  client: Queryable,
  ref: string,
  tenantId: number | null,
  storedKey: StoredKey = (key) => key,
): Promise<Run> {
  const { runId, runKey } = parseRunRef(ref, storedKey);
  const runs = await readLines<Run>(client, 'queries/serve/run', [tenantId, runId, runKey]);
  const [run] = runs;
  if (run === undefined) throw new Problem(404, `There is no run ${ref}`);
  // A tenant's key may look like the id of another of its runs; ids come first and win.
  const tenants = new Set(runs.map((candidate) => candidate.tenant_id));
  if (tenants.size > 1) throw ambiguous(ref, runs);
  return run;
}

function ambiguous(ref: string, runs: Run[]): Problem {
  return new Problem(409, `${ref} names runs of several tenants; say which with ?tenant=`, {
    members: {
      runs: runs.map(({ tenant_id, run_id, run_key, pipeline, status, started_at }) => {
        return { tenant_id, run_id, run_key, pipeline, status, started_at };
      }),
    },
  });
}

export async function readStats(client: Queryable, run: Run): Promise<RunStats> {
  const values = [run.tenant_id, run.run_id, run.first_event_at, run.last_event_at];
  return readLine<RunStats>(client, 'queries/serve/stats', values);
}

export async function readMetrics(client: Queryable, run: Run): Promise<RunMetrics> {
  return readLine<RunMetrics>(client, 'queries/serve/metrics', [run.tenant_id, run.run_id]);
}

/** A tenant's number from its number or name; null when no such tenant is registered. */
export async function readTenantId(client: Queryable, ref: string): Promise<number | null> {
  const lines = await readLines<{ tenant_id: number }>(client, 'queries/serve/tenant', [ref]);
  return lines[0]?.tenant_id ?? null;
}

/**
 * The tenant that `?tenant=` narrows a request to. A tenant's own token sees no other tenant, so that another's name is as unknown to it
 * as one that does not exist.
 * @throws Problem 404
 */
export async function resolveTenant(client: Queryable, scope: Scope, ref: string | undefined): Promise<number | null> {
  if (ref === undefined) return scope.tenantId;
  const tenantId = await readTenantId(client, ref);
  if (tenantId === null) throw new Problem(404, `There is no tenant ${ref}`);
  return tenantId;
}

/** Rows of a query that gives one JSON column `line`. */
export async function readLines<T>(client: Queryable, sql: string, values: unknown[]): Promise<T[]> {
  const { rows } = await client.query<{ line: T }>(loadSql(sql), values);
  return rows.map((row) => row.line);
}

/** The line of a query that always gives one. */
export async function readLine<T>(client: Queryable, sql: string, values: unknown[]): Promise<T> {
  return readOnly(await readLines<T>(client, sql, values));
}

function readOnly<T>(lines: T[]): T {
  const [line] = lines;
  if (line === undefined) throw new Error('A query that always gives one row gave none');
  return line;
}
