/** What messages say beside the numbers: names of tenants, and the runs that show what is wrong or that it is right again. */

import type { PoolClient } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { AlertSubject } from './finding.ts';
import type { RunFacts } from './message.ts';

export interface TenantFacts {
  name: string | null;
  isDisabled: boolean;
}

export async function readTenants(client: PoolClient, tenantIds: Iterable<number>): Promise<Map<number, TenantFacts>> {
  const { rows } = await client.query<{ tenant_id: number; name: string | null; status: string }>(
    loadSql('queries/alerts/read_tenants'),
    [[...new Set(tenantIds)]],
  );
  return new Map(rows.map((row) => [row.tenant_id, { name: row.name, isDisabled: row.status === 'disabled' }]));
}

export interface RunRef {
  tenantId: number;
  runId: number;
}

export function runRefKey({ tenantId, runId }: RunRef): string {
  return `${tenantId}/${runId}`;
}

interface RunRow {
  tenant_id: number;
  run_id: number;
  run_key: string | null;
  status: string;
  started_at: Date | null;
  ended_at: Date | null;
  trace_id: string | null;
  langsmith_trace_url: string | null;
}

/** @returns by runRefKey; a run that is gone is not in it */
export async function readRunFacts(client: PoolClient, runs: readonly RunRef[]): Promise<Map<string, RunFacts>> {
  const wanted = [...new Map(runs.map((run) => [runRefKey(run), run])).values()];
  if (wanted.length === 0) return new Map();
  const parameter = JSON.stringify(wanted.map(({ tenantId, runId }) => ({ tenant_id: tenantId, run_id: runId })));
  const { rows } = await client.query<RunRow>(loadSql('queries/alerts/read_runs'), [parameter]);
  return new Map(
    rows.map((row) => [
      runRefKey({ tenantId: row.tenant_id, runId: row.run_id }),
      {
        runId: row.run_id,
        runKey: row.run_key,
        status: row.status,
        startedAt: row.started_at,
        endedAt: row.ended_at,
        traceId: row.trace_id,
        langsmithUrl: row.langsmith_trace_url,
      },
    ]),
  );
}

/** What a run must have come to, to show that all is well; of most kinds, to its end. */
const NEEDS = new Map<string, 'begun' | 'succeeded'>([
  ['run_missed', 'begun'],
  ['run_stuck', 'begun'],
  ['run_failed', 'succeeded'],
  ['run_too_short', 'succeeded'],
  ['latency_regression', 'succeeded'],
]);

/**
 * The run that shows that these subjects are good again, where one does.
 * @returns by tenant, environment and pipeline, see placeKey
 */
export async function readLatestRuns(
  client: PoolClient,
  kind: string,
  subjects: readonly AlertSubject[],
  asOf: Date,
): Promise<Map<string, number>> {
  const ofPipelines = subjects.filter(({ pipeline, tenantId }) => tenantId !== 0 && pipeline !== '');
  if (ofPipelines.length === 0) return new Map();
  const places = new Map(
    ofPipelines.map((subject) => {
      const { tenantId, environment, pipeline } = subject;
      const place = { tenant_id: tenantId, environment, pipeline, needs: NEEDS.get(kind) ?? 'ended' };
      return [placeKey(subject), place];
    }),
  );
  const { rows } = await client.query<{ tenant_id: number; environment: string; pipeline: string; run_id: number }>(
    loadSql('queries/alerts/read_latest_runs'),
    [JSON.stringify([...places.values()]), asOf],
  );
  return new Map(
    rows.map((row) => [
      placeKey({ tenantId: row.tenant_id, environment: row.environment, pipeline: row.pipeline }),
      row.run_id,
    ]),
  );
}

export function placeKey({ tenantId, environment, pipeline }: Omit<AlertSubject, 'subject'>): string {
  return JSON.stringify([tenantId, environment, pipeline]);
}
