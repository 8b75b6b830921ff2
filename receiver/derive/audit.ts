/**
 * Audit: counts every counter again from the events and compares, in one snapshot, so that it is exact while ingest goes on. The
 * difference it finds must be 0.
 */

import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import { allowLongWork, readFloor } from './run_key.ts';

const AUDIT_QUERIES = ['audit_runs', 'audit_stage_stats', 'audit_vendor_usage', 'audit_metrics'];
const DIFFERENCES_LISTED = 100;

export interface AuditDifference {
  tenant_id: number;
  run_id: number;
  /** The table. */
  what: string;
  /** The stage, vendor or metric; empty for the run itself. */
  name: string;
  /** `(row)`: the whole row is missing or one too many. */
  column: string;
  /** As the events say; null: nothing. */
  counted: string | null;
  /** As the table says; null: nothing. */
  stored: string | null;
}

export interface AuditResult {
  /** Values that differ. */
  difference: number;
  runs_checked: number;
  /** Runs that lost events to retention. They are not recounted: their books were closed with a checksum. */
  runs_sealed: number;
  /** Sealed runs whose counters no longer fit that checksum. */
  sealed_difference: number;
  /** The first hundred at most. */
  differences: AuditDifference[];
}

export interface AuditOptions {
  tenantId?: number | undefined;
  runId?: number | undefined;
}

/** Audits every run whose events are all there. @param pool speaks as runledger_owner or runledger_operator. */
export function audit(pool: Pool, options: AuditOptions = {}): Promise<AuditResult> {
  return inTransaction(pool, (client) => auditInSnapshot(client, options), {
    isolation: 'repeatable read',
    readOnly: true,
  });
}

async function auditInSnapshot(client: PoolClient, options: AuditOptions): Promise<AuditResult> {
  await client.query(loadSql('queries/derive/hold_partitions'));
  await allowLongWork(client);
  const filter = [options.tenantId ?? null, options.runId ?? null, await readFloor(client)] as const;
  const counted = await client.query<{ runs_checked: number }>(loadSql('queries/derive/audit_count_runs'), [...filter]);
  const sealed = await client.query<{ runs_sealed: number; sealed_difference: number }>(
    loadSql('queries/derive/audit_sealed'),
    [...filter],
  );
  const { difference, differences } = await recount(client, ...filter);
  return {
    difference,
    runs_checked: counted.rows[0]?.runs_checked ?? 0,
    runs_sealed: sealed.rows[0]?.runs_sealed ?? 0,
    sealed_difference: sealed.rows[0]?.sealed_difference ?? 0,
    differences,
  };
}

/**
 * Compares counters with their events, in the caller's snapshot.
 * @param tenantId null: all. @param runId null: all.
 * @param floorAt timestamp text: runs whose first event is older are left out
 */
export async function recount(
  client: PoolClient,
  tenantId: number | null,
  runId: number | null,
  floorAt: string,
): Promise<Pick<AuditResult, 'difference' | 'differences'>> {
  let difference = 0;
  const differences: AuditDifference[] = [];
  for (const name of AUDIT_QUERIES) {
    const { rows } = await client.query<AuditDifference & { total: number }>(loadSql(`queries/derive/${name}`), [
      tenantId,
      runId,
      floorAt,
      DIFFERENCES_LISTED,
    ]);
    difference += rows[0]?.total ?? 0;
    for (const { total: _, ...found } of rows) differences.push(found);
  }
  return { difference, differences: differences.slice(0, DIFFERENCES_LISTED) };
}
