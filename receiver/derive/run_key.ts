/** How derive, audit and rebuild name a run, and the settings that all three give their transactions. */

import type { PoolClient } from 'pg';
import { loadSql } from '../store/sql.ts';

export interface RunKey {
  tenantId: number;
  runId: number;
}

/** A recount of a run of a million events takes seconds; this only ends what hangs. */
const LONG_WORK_MS = 15 * 60_000;

/** Lifts the statement time-out of the connection, which is meant for the write path, until the end of the transaction. */
export async function allowLongWork(client: PoolClient): Promise<void> {
  await client.query(loadSql('queries/derive/begin_long_work'), [String(LONG_WORK_MS)]);
}

/** Timestamp text: runs whose first event is older than this have lost events and are neither derived, audited nor rebuilt. */
export async function readFloor(client: PoolClient): Promise<string> {
  const { rows } = await client.query<{ floor_at: string }>(loadSql('queries/derive/read_floor'));
  const floor = rows[0];
  if (floor === undefined) throw new Error('runledger.retention holds no row: run `runledger migrate`');
  return floor.floor_at;
}
