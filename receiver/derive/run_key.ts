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
export function readFloor(client: PoolClient): Promise<string> {
  return floorOf(client, 'read_floor');
}

/** As readFloor, and retention cannot move the floor before this transaction ends: for what recounts a run and then writes. */
export function holdFloor(client: PoolClient): Promise<string> {
  return floorOf(client, 'hold_floor');
}

async function floorOf(client: PoolClient, query: 'read_floor' | 'hold_floor'): Promise<string> {
  const { rows } = await client.query<{ floor_at: string }>(loadSql(`queries/derive/${query}`));
  const floor = rows[0];
  if (floor === undefined) throw new Error('runledger.retention holds no row: run `runledger migrate`');
  return floor.floor_at;
}
