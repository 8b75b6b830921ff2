/**
 * Derives every run that is due. Several receivers may do so at once: each takes the runs that no other derives at that moment. A run that
 * fails is tried again later and does not stop the others.
 */

import type { Pool } from 'pg';
import { loadSql } from '../store/sql.ts';
import { type DeriveOutcome, deriveRun } from './derive_run.ts';
import type { RunKey } from './run_key.ts';

/** Runs derived at a time by one receiver; a derive is mostly work of one backend. */
const DERIVES_AT_ONCE = 2;
const RUNS_LISTED = 500;
const FAILED_RUN_WAIT_MS = 30_000;

export interface DeriveDueOptions {
  /** Default: the current time. */
  now?: Date;
  /** Default: all that are due. */
  limit?: number;
  /** Also runs that are dirty but not due yet. */
  all?: boolean;
  onProgress?: (done: number) => void;
}

export interface DeriveDueResult {
  /** Runs by what became of them. */
  outcomes: Record<DeriveOutcome, number>;
  failures: { run: RunKey; error: unknown }[];
}

/** @param pool speaks as runledger_owner. @throws only when the list of due runs cannot be read. */
export async function deriveDue(pool: Pool, options: DeriveDueOptions = {}): Promise<DeriveDueResult> {
  const result: DeriveDueResult = {
    outcomes: { derived: 0, changed: 0, clean: 0, early: 0, busy: 0, dropped: 0 },
    failures: [],
  };
  const now = options.now ?? new Date();
  const force = options.all === true;
  const seen = new Set<string>();
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  while (seen.size < limit) {
    // A run that stays dirty (failed, busy) is listed again, so the list has to be longer than what was seen.
    const rows = await listDue(pool, now, force, seen.size + RUNS_LISTED);
    const runs = rows.filter((run) => !seen.has(nameOf(run))).slice(0, limit - seen.size);
    if (runs.length === 0) break;
    for (const run of runs) seen.add(nameOf(run));
    await deriveAll(pool, runs, { now, force }, result, options.onProgress);
  }
  return result;
}

async function listDue(pool: Pool, now: Date, all: boolean, limit: number): Promise<RunKey[]> {
  const sql = loadSql('queries/derive/list_due');
  const { rows } = await pool.query<{ tenant_id: number; run_id: number }>(sql, [now, all, limit]);
  return rows.map((row) => ({ tenantId: row.tenant_id, runId: row.run_id }));
}

function nameOf(run: RunKey): string {
  return `${run.tenantId}/${run.runId}`;
}

async function deriveAll(
  pool: Pool,
  runs: RunKey[],
  options: { now: Date; force: boolean },
  result: DeriveDueResult,
  onProgress: ((done: number) => void) | undefined,
): Promise<void> {
  const queue = runs.values();
  const work = async () => {
    for (const run of queue) {
      await deriveOne(pool, run, options, result);
      onProgress?.(1);
    }
  };
  await Promise.all(Array.from({ length: DERIVES_AT_ONCE }, work));
}

async function deriveOne(
  pool: Pool,
  run: RunKey,
  options: { now: Date; force: boolean },
  result: DeriveDueResult,
): Promise<void> {
  try {
    result.outcomes[await deriveRun(pool, run, options)]++;
  } catch (error) {
    result.failures.push({ run, error });
    await postponeFailed(pool, run, options.now, result);
  }
}

/** Without the wait, a run that cannot be derived would be tried again at every pass. */
async function postponeFailed(pool: Pool, run: RunKey, now: Date, result: DeriveDueResult): Promise<void> {
  try {
    const sql = loadSql('queries/derive/postpone_dirty');
    await pool.query(sql, [run.tenantId, run.runId, FAILED_RUN_WAIT_MS, now, false]);
  } catch (error) {
    result.failures.push({ run, error });
  }
}
