/** Quotas of tenants in the database: what is set, what is used, and how often each sent somebody back. */

import type pg from 'pg';
import { LIMITS } from '../limits.ts';
import type { HoldingQuota } from '../quota.ts';
import { loadSql } from './sql.ts';

/** Limits by the names that people use; null: the default. */
export interface QuotaLimits {
  spans_per_second: number | null;
  burst_spans: number | null;
  open_runs: number | null;
  stages_per_run: number | null;
  vendors_per_run: number | null;
  parked_bytes: number | null;
}
export type QuotaName = keyof QuotaLimits;

/** The least and the most that each may be set to, as the database checks it. */
export const QUOTA_RANGES: Readonly<Record<QuotaName, { min: number; max: number }>> = {
  spans_per_second: { min: 1, max: 1_000_000 },
  burst_spans: { min: 1, max: 100_000_000 },
  open_runs: { min: 1, max: 100_000 },
  stages_per_run: { min: 1, max: LIMITS.stagesPerRun },
  vendors_per_run: { min: 1, max: LIMITS.vendorsPerRun },
  parked_bytes: { min: 2 ** 20, max: 2 ** 30 },
};
export const QUOTA_NAMES = Object.keys(QUOTA_RANGES) as QuotaName[];

/** How often a quota sent a request back until later, on the UTC day of the last one. */
export interface QuotaHold {
  quota: HoldingQuota;
  day: string;
  requests: number;
  last_at: string;
}

export interface StoredQuota {
  /** As set. */
  limits: QuotaLimits;
  runningRuns: number;
  held: QuotaHold[];
}

type Queryable = Pick<pg.ClientBase, 'query'>;

/** All defaults for a tenant that has no limits of its own. */
export async function readQuota(client: Queryable, tenantId: number): Promise<StoredQuota> {
  const { rows } = await client.query<QuotaLimits & { running_runs: number; held: QuotaHold[] }>(
    loadSql('queries/store/read_quota'),
    [tenantId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The database returned no quota');
  const { running_runs: runningRuns, held, ...limits } = row;
  return { limits, runningRuns, held };
}

/** Receivers hold it within 5 s. */
export async function setQuota(client: Queryable, tenantId: number, limits: QuotaLimits): Promise<void> {
  await client.query(loadSql('queries/store/set_quota'), [
    tenantId,
    limits.spans_per_second,
    limits.burst_spans,
    limits.open_runs,
    limits.stages_per_run,
    limits.vendors_per_run,
    limits.parked_bytes,
  ]);
}

/** Rows of a tenant that wait for their run, and their bytes as stored. */
export async function readParked(client: Queryable, tenantId: number): Promise<{ rows: number; bytes: number }> {
  const { rows } = await client.query<{ parked_rows: number; parked_bytes: number }>(
    loadSql('queries/write/count_parked'),
    [[tenantId], LIMITS.parkedRows],
  );
  return { rows: rows[0]?.parked_rows ?? 0, bytes: rows[0]?.parked_bytes ?? 0 };
}
