/**
 * Retention of one day: audits every run that has events in it, then seals those runs and drops the day in one short transaction, which
 * refuses when a run changed in between. A day is there with its runs open, or gone with its runs sealed; nothing is half-way.
 */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import { type AuditDifference, recount } from './audit.ts';
import { deriveRun } from './derive_run.ts';
import { allowLongWork, type RunKey, readFloor } from './run_key.ts';

/** Everybody waits behind a drop that waits. */
const LOCK_TIMEOUT_MS = 300;
const DAY_MS = 86_400_000;
/** Never audited before, a run is recounted whatever the floor. */
const NO_FLOOR = '-infinity';

export interface SealedRun extends RunKey {
  /** Its events in the day. */
  events: number;
  /** 1: it was sealed before, and its counters did not fit that seal any more. */
  sealedDifference: number;
  /** null: it has no row, and then a difference too. */
  checksum: string | null;
}

export interface DayAudit {
  /** Of runs that are sealed now for the first time. Must be 0 before the day may go. */
  difference: number;
  differences: AuditDifference[];
  runs: SealedRun[];
}

interface ListedRun {
  tenant_id: number;
  run_id: number;
  events: number;
  is_dated: boolean;
  sealed_checksum: string | null;
}

/** Makes the percentiles of the day's runs final where they are not: afterwards a part of the durations is gone. */
export async function deriveDay(pool: Pool, day: string, now: Date): Promise<void> {
  const runs = await inTransaction(pool, (client) => listRuns(client, day), { readOnly: true });
  for (const run of runs) {
    if (run.sealed_checksum === null)
      await deriveRun(pool, { tenantId: run.tenant_id, runId: run.run_id }, { now, force: true });
  }
}

/** @param day UTC day as YYYY-MM-DD. @param pool speaks as runledger_owner. */
export function auditDay(pool: Pool, day: string): Promise<DayAudit> {
  return inTransaction(pool, (client) => auditInSnapshot(client, day), {
    isolation: 'repeatable read',
    readOnly: true,
  });
}

async function auditInSnapshot(client: PoolClient, day: string): Promise<DayAudit> {
  await client.query(loadSql('queries/derive/hold_partitions'));
  const listed = await listRuns(client, day);
  const result: DayAudit = { difference: 0, differences: [], runs: [] };
  for (const run of listed.filter(({ sealed_checksum }) => sealed_checksum === null)) {
    const { difference, differences } = await recount(client, run.tenant_id, run.run_id, NO_FLOOR);
    result.difference += difference;
    result.differences.push(...differences);
  }
  const sealed = listed.filter(({ sealed_checksum }) => sealed_checksum !== null);
  const before = await checksums(client, sealed, await readFloor(client));
  const after = await checksums(client, listed, startOfNextDay(day));
  result.runs = listed.map((run) => ({
    tenantId: run.tenant_id,
    runId: run.run_id,
    events: run.events,
    sealedDifference: run.sealed_checksum === null || before.get(nameOf(run)) === run.sealed_checksum ? 0 : 1,
    checksum: after.get(nameOf(run)) ?? null,
  }));
  return result;
}

async function listRuns(client: PoolClient, day: string): Promise<ListedRun[]> {
  await allowLongWork(client);
  const { rows } = await client.query<ListedRun>(loadSql('queries/derive/retention_list_runs'), [day]);
  return rows;
}

async function checksums(client: PoolClient, runs: ListedRun[], keptFrom: string): Promise<Map<string, string>> {
  const { rows } = await client.query<{ tenant_id: number; run_id: number; checksum: string }>(
    loadSql('queries/derive/retention_checksums'),
    [runs.map((run) => run.tenant_id), runs.map((run) => run.run_id), keptFrom],
  );
  return new Map(rows.map((row) => [nameOf(row), row.checksum]));
}

function nameOf(run: { tenant_id: number; run_id: number }): string {
  return `${run.tenant_id}/${run.run_id}`;
}

function startOfNextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString();
}

/**
 * Seals the runs of an audited day and drops it. @returns the bytes given back; null when another receiver had dropped the day.
 * @throws RL003 when a run changed since the audit, 55P03 when the locks cannot be had now; nothing has changed then
 */
export function dropDay(pool: Pool, day: string, runs: readonly SealedRun[], now: Date): Promise<number | null> {
  return inTransaction(pool, async (client) => {
    await allowLongWork(client);
    await client.query(loadSql('queries/derive/retention_short_locks'), [String(LOCK_TIMEOUT_MS)]);
    const moved = await client.query(loadSql('queries/derive/retention_move_floor'), [day]);
    if (moved.rowCount === 0) return null;
    await client.query(loadSql('queries/derive/retention_seal'), [
      runs.map((run) => run.tenantId),
      runs.map((run) => run.runId),
      runs.map((run) => run.events),
      runs.map((run) => run.sealedDifference),
      runs.map((run) => run.checksum),
      day,
      now,
    ]);
    const { rows } = await client.query<{ bytes: number }>(loadSql('queries/derive/retention_drop_day'), [day]);
    return rows[0]?.bytes ?? 0;
  });
}
