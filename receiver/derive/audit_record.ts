/** Keeps what each audit by a job found, so that a difference can alert and yesterday's result can be read. */

import type { Pool } from 'pg';
import { loadSql } from '../store/sql.ts';

const KEPT_DAYS = 400;

export interface AuditRecord {
  /** Values that differ. */
  difference: number;
  runs_checked: number;
  runs_sealed: number;
  sealed_difference: number;
}

/** Adds one row, and removes those that are more than 400 days old. @param pool speaks as runledger_owner */
export async function recordAudit(pool: Pool, job: 'audit' | 'retention', record: AuditRecord): Promise<void> {
  const { difference, runs_checked, runs_sealed, sealed_difference } = record;
  await pool.query(loadSql('jobs/record_audit'), [
    job,
    difference,
    runs_checked,
    runs_sealed,
    sealed_difference,
    KEPT_DAYS,
  ]);
}
