/** Items with buckets for tests of the QA draw, what the draw left behind, and who must be drawn by an independent computation. */
import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { type LedgerRow, ledgerRow } from './ledger_writer.ts';

export const ITEM_AT = { tenant_id: 1, run_id: 7, kind: 'item' as const, ts: '2026-03-01 10:00:00+00' };

/** One finished item a number. */
export function bucketItems(companyIds: number[], bucket: string | null, given: Partial<LedgerRow> = {}): LedgerRow[] {
  return companyIds.map((company_id) => ledgerRow({ ...ITEM_AT, company_id, bucket, duration_ms: 5, ...given }));
}

/** Numbers from `first` on. */
export function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** The items that come first by SHA-256 of `run/item`. */
export function firstByHash(runName: string, items: (number | string)[], count: number): string[] {
  const hashed = items.map((item) => ({
    item: String(item),
    hash: createHash('sha256').update(`${runName}/${item}`).digest('hex'),
  }));
  return hashed
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .slice(0, count)
    .map(({ item }) => item);
}

export interface Sample {
  tenant_id: number;
  run_id: number;
  company_id: number;
  bucket: string;
  checks: object;
  result: string;
  facts: {
    events: { ts: string; event: string; cost_usd?: string }[];
    events_total: number;
    cost_usd: string;
    extra: { item_id?: string } | null;
    links: object;
  };
  created_at: Date;
  reviewed_at: Date | null;
}

export async function readSamples(pool: Pool): Promise<Sample[]> {
  const { rows } = await pool.query<Sample>('select * from public.qa_samples order by tenant_id, run_id, company_id');
  return rows;
}

/** The items drawn for a run, sorted as text. */
export async function drawnItems(pool: Pool, runId = 7, tenantId = 1): Promise<string[]> {
  const samples = await readSamples(pool);
  const own = samples.filter((sample) => sample.run_id === runId && sample.tenant_id === tenantId);
  return own.map((sample) => String(sample.facts.extra?.item_id ?? sample.company_id)).sort();
}

export async function readDrawEvents(pool: Pool): Promise<LedgerRow[]> {
  const { rows } = await pool.query<LedgerRow>(
    'select *, ts::text as ts from public.run_event_logs where seq = -2 order by tenant_id, run_id, company_id',
  );
  return rows;
}

export async function readBucketMetrics(pool: Pool): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string; value: string }>(
    `select name, value from public.run_metrics where tenant_id = 1 and run_id = 7 and name like 'bucket%'`,
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
