/**
 * Due times of the schedules as rows, two days ahead, and the runs that answered them: what the rule for missed runs compares. Cron and time
 * zones are read here; the database only compares times.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import { keptDueTimes } from './due_times.ts';
import { dayReader, findSchedule, listSchedules, ScheduleError, type StoredSchedule } from './schedules.ts';

const HOUR_MS = 3_600_000;
const AHEAD_MS = 48 * HOUR_MS;
/** Due times that nobody computed because no receiver was up are expected all the same, when they are this new. */
const BEHIND_MS = HOUR_MS;
const KEPT_DAYS = 100;
const EARLY = '15 minutes';
/** Beyond it a run that comes is no late one but another. */
const LATE = '35 days';

export interface ExpectedRunsLog {
  warn(fields: object, message: string): void;
}

export interface ExpectedRunsResult {
  added: number;
  removed: number;
  /** Due times that got their run. */
  answered: number;
  /** Removed for their age. */
  expired: number;
  /** Another receiver does it at this moment. */
  busy: boolean;
}

interface Expected {
  tenant_id: number;
  pipeline: string;
  environment: string;
  due_at: Date;
  start_by: Date;
}

/**
 * Brings the rows up to date with the schedules and the runs: each schedule in a transaction of its own, then the answers. May run twice,
 * beside itself, and stop anywhere, with the same end result.
 * @param pool speaks as runledger_owner
 */
export async function planExpectedRuns(
  pool: Pool,
  { now = new Date(), log }: { now?: Date; log: ExpectedRunsLog },
): Promise<ExpectedRunsResult> {
  const result: ExpectedRunsResult = { added: 0, removed: 0, answered: 0, expired: 0, busy: false };
  for (const schedule of (await listSchedules(pool)).filter(({ enabled }) => enabled)) {
    try {
      await planSchedule(pool, schedule, now, result);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
      const { tenantId: tenant_id, pipeline } = schedule;
      log.warn({ tenant_id, pipeline, err: error }, 'a schedule cannot be read, its due times stay as they are');
    }
    if (result.busy) return result;
  }
  await finish(pool, now, result);
  return result;
}

/** null: another receiver does it at this moment. */
function locked<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T | null> {
  return inTransaction(pool, async (client) => {
    // No rule is called so: their names hold no space.
    const { rows } = await client.query<{ locked: boolean }>(loadSql('queries/alerts/try_lock_rule'), [
      'expected runs',
    ]);
    return rows[0]?.locked === true ? work(client) : null;
  });
}

async function planSchedule(
  pool: Pool,
  schedule: StoredSchedule,
  now: Date,
  result: ExpectedRunsResult,
): Promise<void> {
  const { tenantId, pipeline, environment } = schedule;
  // Before the transaction, because it may take a while.
  const due = await keptDueTimes(schedule, new Date(now.getTime() - BEHIND_MS), new Date(now.getTime() + AHEAD_MS));
  const done = await locked(pool, async (client) => {
    // What somebody has just changed is for the next plan.
    if (!isDeepStrictEqual(await findSchedule(client, schedule), schedule)) return { added: 0, removed: 0 };
    const sql = loadSql('queries/alerts/read_unanswered');
    const { rows } = await client.query<Expected>(sql, [tenantId, pipeline, environment]);
    const { add, remove } = planOf(schedule, due, rows, now);
    return {
      removed: await change(client, 'queries/alerts/remove_expected', remove),
      added: await change(client, 'queries/alerts/add_expected', add),
    };
  });
  if (done === null) result.busy = true;
  result.added += done?.added ?? 0;
  result.removed += done?.removed ?? 0;
}

async function finish(pool: Pool, now: Date, result: ExpectedRunsResult): Promise<void> {
  const done = await locked(pool, async (client) => {
    const orphans = await client.query(loadSql('queries/alerts/remove_orphans'));
    const answers = await client.query(loadSql('queries/alerts/answer_expected'), [now, EARLY, LATE]);
    const old = new Date(now.getTime() - KEPT_DAYS * 24 * HOUR_MS);
    const expired = await client.query(loadSql('queries/alerts/remove_old_expected'), [old]);
    result.removed += orphans.rowCount ?? 0;
    result.answered = answers.rowCount ?? 0;
    result.expired = expired.rowCount ?? 0;
    return result;
  });
  result.busy = done === null;
}

async function change(
  client: PoolClient,
  query: 'queries/alerts/remove_expected' | 'queries/alerts/add_expected',
  rows: readonly Expected[],
): Promise<number> {
  if (rows.length === 0) return 0;
  return (await client.query(loadSql(query), [JSON.stringify(rows)])).rowCount ?? 0;
}

/** What has to be added or corrected, and what is no longer expected. */
function planOf(
  schedule: StoredSchedule,
  due: readonly Date[],
  unanswered: readonly Expected[],
  now: Date,
): { add: Expected[]; remove: Expected[] } {
  const { tenantId: tenant_id, pipeline, environment, startGraceSeconds, createdAt } = schedule;
  const isOff = dayOffReader(schedule);
  const expected = new Map<number, Expected>();
  for (const due_at of due) {
    if (due_at <= createdAt || isOff(due_at)) continue;
    const start_by = new Date(due_at.getTime() + startGraceSeconds * 1000);
    expected.set(due_at.getTime(), { tenant_id, pipeline, environment, due_at, start_by });
  }
  const remove: Expected[] = [];
  for (const row of unanswered) {
    const wanted = expected.get(row.due_at.getTime());
    if (isOff(row.due_at) || (wanted === undefined && row.due_at > now)) remove.push(row);
    if (wanted?.start_by.getTime() === row.start_by.getTime()) expected.delete(row.due_at.getTime());
  }
  return { add: [...expected.values()], remove };
}

function dayOffReader({ timezone, exceptDays }: StoredSchedule): (time: Date) => boolean {
  if (exceptDays.length === 0) return () => false;
  const except = new Set(exceptDays);
  const dayOf = dayReader(timezone);
  return (time) => except.has(dayOf(time));
}
