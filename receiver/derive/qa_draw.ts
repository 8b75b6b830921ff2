/**
 * Items by bucket: how many a run has of each, and which of them a person is to check. Part of a derive, in its transaction: a draw that
 * dies half-way has drawn nothing, and one that is repeated finds its places taken.
 */

import type { PoolClient } from 'pg';
import { loadSql } from '../store/sql.ts';
import type { RunKey } from './run_key.ts';

/** Keeps a sample's facts below about 25 KB: an event is some 400 bytes, and extra is 2 KiB at most. */
const FACTS_EVENTS = 50;

export interface BucketCount {
  /** The name in run_metrics. */
  name: string;
  items: number;
}

/** Items in the buckets that have a business number; empty when no item has a bucket. @param bounds tenant, run, first and last event time */
export async function countBuckets(client: PoolClient, bounds: readonly unknown[]): Promise<BucketCount[]> {
  const { rows } = await client.query<BucketCount>(loadSql('queries/derive/compute_bucket_counts'), [...bounds]);
  return rows;
}

/** Makes the counted numbers in run_metrics those of `counts`. The caller holds the run row. */
export async function storeBucketCounts(client: PoolClient, run: RunKey, counts: BucketCount[]): Promise<void> {
  const names = counts.map(({ name }) => name);
  const surplus = loadSql('queries/derive/remove_surplus_derived_metrics');
  await client.query(surplus, [run.tenantId, run.runId, names]);
  if (counts.length === 0) return;
  const values = counts.map(({ items }) => items);
  await client.query(loadSql('queries/derive/store_derived_metrics'), [run.tenantId, run.runId, names, values]);
}

/** The items to draw now with their facts, one JSON text each, for storeDraw. */
export async function computeDraw(client: PoolClient, bounds: readonly unknown[]): Promise<string[]> {
  const sql = loadSql('queries/derive/compute_draw');
  const { rows } = await client.query<{ line: string }>(sql, [...bounds, FACTS_EVENTS]);
  return rows.map((row) => row.line);
}

/** Writes the samples and their events, and counts the events as changes of the run. The caller holds the run row. */
export async function storeDraw(client: PoolClient, run: RunKey, draw: string[], now: Date): Promise<void> {
  if (draw.length === 0) return;
  const parameters = [run.tenantId, run.runId, `[${draw.join(',')}]`, now];
  const { rowCount } = await client.query(loadSql('queries/derive/store_draw'), parameters);
  await client.query(loadSql('queries/derive/add_changes'), [run.tenantId, run.runId, rowCount ?? 0]);
}
