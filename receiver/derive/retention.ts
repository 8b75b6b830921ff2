/**
 * Retention: drops days of events that are older than the configured age after sealing their runs, and removes old rows of the side tables.
 * Counters, metrics, runs and run keys stay. A day goes one day after the last span for it was acceptable, so that a
 * receiver whose midnight is a little late and rows that are parked never meet a day that is gone.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { errorCode } from '../store/errors.ts';
import { inTransaction, isRetryable } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import type { AuditDifference } from './audit.ts';
import { allowLongWork } from './run_key.ts';
import { auditDay, type DayAudit, deriveDay, dropDay } from './seal_day.ts';

const DAY_MS = 86_400_000;
const REFUSALS_KEPT_DAYS = 365;
const ROWS_DELETED_AT_ONCE = 10_000;
/** Raised by runledger.drop_day when a run changed between audit and drop. */
const NOT_SEALED = 'RL003';
const AUDIT_TRIES = 5;
const LOCK_TRIES = 40;
const LOCK_WAIT_MAX_MS = 1_000;

export interface RetentionOptions {
  eventRetentionDays: number;
  qaRetentionDays: number;
  /** Default: the current time. */
  now?: Date;
  /** Says what would go and changes nothing. */
  dryRun?: boolean;
}

export interface DroppedDay {
  /** UTC, YYYY-MM-DD. */
  day: string;
  events: number;
  runs_sealed: number;
  bytes: number;
}

export interface RetentionResult {
  dry_run: boolean;
  /** The first day that is kept, YYYY-MM-DD, unless a day had to stay. */
  kept_from: string;
  days_dropped: number;
  events: number;
  runs_sealed: number;
  /** Given back by the dropped days, indexes included. */
  bytes: number;
  /** Of the day that stays: values that differ from its events. 0: nothing stopped for that reason. */
  difference: number;
  /** Counters of runs sealed before that changed since. */
  sealed_difference: number;
  /** The day that stays, and those after it, and why. */
  stopped: { day: string; reason: 'difference' | 'busy'; differences: AuditDifference[] } | null;
  /** Rows removed from the side tables. */
  qa_samples: number;
  trace_bindings: number;
  refusals: number;
  days: DroppedDay[];
}

/** @param pool speaks as runledger_owner. May run twice, beside itself and beside ingest, and stop anywhere, with the same end result. */
export async function retain(pool: Pool, options: RetentionOptions): Promise<RetentionResult> {
  const now = options.now ?? new Date();
  const keptFrom = dayText(now.getTime() - (options.eventRetentionDays + 1) * DAY_MS);
  const result = emptyResult(keptFrom, options.dryRun === true);
  for (const { day, bytes } of await listDays(pool, keptFrom)) {
    if (result.dry_run) add(result, await auditDay(pool, day), { day, bytes });
    else await retainDay(pool, day, now, result);
    if (result.stopped !== null) break;
  }
  const keptFromMs = Date.parse(`${result.stopped?.day ?? keptFrom}T00:00:00Z`);
  // A QA sample stays at least as long as its run may be derived again, or it would be drawn a second time.
  const qaMs = Math.min(now.getTime() - options.qaRetentionDays * DAY_MS, keptFromMs);
  const bounds = [new Date(qaMs), new Date(keptFromMs), dayText(now.getTime() - REFUSALS_KEPT_DAYS * DAY_MS)] as const;
  if (result.dry_run) Object.assign(result, await countOld(pool, bounds));
  else {
    result.qa_samples = await deleteOld(pool, 'retention_delete_qa', bounds[0]);
    result.trace_bindings = await deleteOld(pool, 'retention_delete_bindings', bounds[1]);
    result.refusals = await deleteOld(pool, 'retention_delete_refusals', bounds[2]);
  }
  return result;
}

function emptyResult(keptFrom: string, dryRun: boolean): RetentionResult {
  return {
    dry_run: dryRun,
    kept_from: keptFrom,
    days_dropped: 0,
    events: 0,
    runs_sealed: 0,
    bytes: 0,
    difference: 0,
    sealed_difference: 0,
    stopped: null,
    qa_samples: 0,
    trace_bindings: 0,
    refusals: 0,
    days: [],
  };
}

async function listDays(pool: Pool, keptFrom: string): Promise<{ day: string; bytes: number }[]> {
  const { rows } = await pool.query<{ day: string; bytes: number }>(loadSql('queries/derive/retention_list_days'), [
    keptFrom,
  ]);
  return rows;
}

async function retainDay(pool: Pool, day: string, now: Date, result: RetentionResult): Promise<void> {
  for (let attempt = 1; attempt <= AUDIT_TRIES; attempt++) {
    await deriveDay(pool, day, now);
    const audit = await auditDay(pool, day);
    if (audit.difference > 0) {
      add(result, audit, { day, bytes: 0 });
      return;
    }
    const outcome = await dropWithTries(pool, day, audit, now);
    if (outcome === 'gone') return;
    if (outcome === 'locked') break;
    if (outcome !== 'changed') {
      add(result, audit, { day, bytes: outcome });
      return;
    }
  }
  result.stopped = { day, reason: 'busy', differences: [] };
}

/** The bytes given back, or why not: somebody held the locks all the time, a run changed since the audit, another receiver was first. */
async function dropWithTries(
  pool: Pool,
  day: string,
  audit: DayAudit,
  now: Date,
): Promise<number | 'gone' | 'locked' | 'changed'> {
  for (let attempt = 1; attempt <= LOCK_TRIES; attempt++) {
    try {
      return (await dropDay(pool, day, audit.runs, now)) ?? 'gone';
    } catch (error) {
      if (errorCode(error) === NOT_SEALED) return 'changed';
      if (!isRetryable(error)) throw error;
      await sleep(Math.min(LOCK_WAIT_MAX_MS, 50 * attempt) * (0.5 + Math.random()));
    }
  }
  return 'locked';
}

function add(result: RetentionResult, audit: DayAudit, { day, bytes }: { day: string; bytes: number }): void {
  if (audit.difference > 0) {
    result.difference = audit.difference;
    result.stopped = { day, reason: 'difference', differences: audit.differences };
    return;
  }
  result.sealed_difference += audit.runs.reduce((sum, run) => sum + run.sealedDifference, 0);
  // The last day is looked at even without a partition, for the floor.
  if (bytes === 0 && audit.runs.length === 0) return;
  const events = audit.runs.reduce((sum, run) => sum + run.events, 0);
  result.days.push({ day, events, runs_sealed: audit.runs.length, bytes });
  result.days_dropped++;
  result.events += events;
  result.runs_sealed += audit.runs.length;
  result.bytes += bytes;
}

function countOld(pool: Pool, bounds: readonly unknown[]): Promise<object> {
  return inTransaction(
    pool,
    async (client) => {
      await allowLongWork(client);
      return (await client.query<object>(loadSql('queries/derive/retention_count_old'), [...bounds])).rows[0] ?? {};
    },
    { readOnly: true },
  );
}

/** In parts, so that no transaction holds many rows. */
async function deleteOld(
  pool: Pool,
  query: 'retention_delete_qa' | 'retention_delete_bindings' | 'retention_delete_refusals',
  before: Date | string,
): Promise<number> {
  for (let deleted = 0; ; ) {
    const { rowCount } = await inTransaction(pool, async (client) => {
      await allowLongWork(client);
      return client.query(loadSql(`queries/derive/${query}`), [before, ROWS_DELETED_AT_ONCE]);
    });
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < ROWS_DELETED_AT_ONCE) return deleted;
  }
}

function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
