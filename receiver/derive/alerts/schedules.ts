/** When runs are meant to start: cron patterns with a time zone, read and checked here alone, and the rows that hold them. */

import { Cron } from 'croner';
import type { Pool, PoolClient } from 'pg';
import { loadSql } from '../../store/sql.ts';

export interface Schedule {
  tenantId: number;
  pipeline: string;
  /** '': that of runs without one. */
  environment: string;
  /** Minute, hour, day of month, month, day of week. */
  cron: string;
  /** As in Europe/Berlin. */
  timezone: string;
  startGraceSeconds: number;
  /** null: the rule's. */
  runLimitSeconds: number | null;
  minimumSeconds: number | null;
  /** YYYY-MM-DD in the schedule's time zone: no run is expected. */
  exceptDays: string[];
  enabled: boolean;
}

export interface StoredSchedule extends Schedule {
  /** Nothing is expected before. */
  createdAt: Date;
}

/** Says what is wrong with a schedule and what is allowed. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const GRACE_MAX_SECONDS = 86_400;
const SECONDS_MAX = 2_147_483_646;
const PIPELINE_MAX = 200;

/** @throws ScheduleError naming the first thing that is wrong */
export function checkSchedule(schedule: Schedule, now: Date): void {
  const { pipeline, startGraceSeconds, runLimitSeconds, minimumSeconds } = schedule;
  if (pipeline === '' || pipeline.length > PIPELINE_MAX)
    throw new ScheduleError(`The pipeline must be a name of 1 to ${PIPELINE_MAX} characters`);
  for (const day of schedule.exceptDays) checkDay(day);
  checkSeconds('The grace', startGraceSeconds, 0, GRACE_MAX_SECONDS);
  if (runLimitSeconds !== null) checkSeconds('The limit', runLimitSeconds, 1, SECONDS_MAX);
  if (minimumSeconds !== null) checkSeconds('The minimum', minimumSeconds, 0, SECONDS_MAX);
  if (runLimitSeconds !== null && minimumSeconds !== null && minimumSeconds >= runLimitSeconds)
    throw new ScheduleError('The minimum must be shorter than the limit');
  if (readCron(schedule).nextRun(now) === null)
    throw new ScheduleError(`The cron pattern "${schedule.cron}" never comes: there is no such day`);
}

function checkSeconds(what: string, seconds: number, least: number, most: number): void {
  if (!Number.isInteger(seconds) || seconds < least || seconds > most)
    throw new ScheduleError(`${what} must be from ${least} to ${most} seconds`);
}

function checkDay(day: string): void {
  const time = DAY.test(day) ? new Date(`${day}T00:00:00Z`) : null;
  if (time === null || Number.isNaN(time.getTime()) || time.toISOString().slice(0, 10) !== day)
    throw new ScheduleError(`"${day.slice(0, 40)}" is no day: write it as in 2026-12-25`);
}

function isTimezone(name: string): boolean {
  // An offset such as +02:00 is taken by newer runtimes only, and knows no summer time.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * Fixed times that a clock change skips are due when the gap ends, and those that it repeats are due once, at the first; patterns with
 * wildcards go by the time that passes.
 */
function readCron({ cron, timezone }: Pick<Schedule, 'cron' | 'timezone'>): Cron {
  if (!isTimezone(timezone)) {
    const shown = timezone.slice(0, 60);
    throw new ScheduleError(`The time zone "${shown}" is not known: give a name such as UTC or Europe/Berlin`);
  }
  try {
    return new Cron(cron, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'it cannot be read';
    throw new ScheduleError(
      `The cron pattern "${cron.slice(0, 80)}" is not valid: ${why}\nWrite minute, hour, day of month, month, day of week, as in "0 2 * * 1-5"`,
    );
  }
}

/**
 * Due times after `after`, ascending, without the days that are left out.
 * @param until the last moment that counts @throws ScheduleError
 */
export function* dueTimes(
  schedule: Pick<Schedule, 'cron' | 'timezone' | 'exceptDays'>,
  after: Date,
  until: Date,
): Generator<Date> {
  const cron = readCron(schedule);
  const dayOf = dayReader(schedule.timezone);
  const except = new Set(schedule.exceptDays);
  for (let due = cron.nextRun(after); due !== null && due <= until; due = cron.nextRun(due))
    if (except.size === 0 || !except.has(dayOf(due))) yield due;
}

/** The calendar day of a moment in a time zone, YYYY-MM-DD. */
export function dayReader(timezone: string): (time: Date) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (time) => format.format(time);
}

interface ScheduleRow {
  tenant_id: number;
  pipeline: string;
  environment: string;
  cron: string;
  timezone: string;
  start_grace_seconds: number;
  run_limit_seconds: number | null;
  minimum_seconds: number | null;
  except_days: string[];
  enabled: boolean;
  created_at: Date;
}

type Queryable = Pool | PoolClient;

export async function listSchedules(pool: Queryable): Promise<StoredSchedule[]> {
  const { rows } = await pool.query<ScheduleRow>(loadSql('queries/alerts/list_schedules'));
  return rows.map(scheduleOf);
}

export async function findSchedule(
  pool: Queryable,
  { tenantId, pipeline, environment }: Pick<Schedule, 'tenantId' | 'pipeline' | 'environment'>,
): Promise<StoredSchedule | null> {
  const sql = loadSql('queries/alerts/read_schedule');
  const { rows } = await pool.query<ScheduleRow>(sql, [tenantId, pipeline, environment]);
  return rows[0] === undefined ? null : scheduleOf(rows[0]);
}

function scheduleOf(row: ScheduleRow): StoredSchedule {
  return {
    tenantId: row.tenant_id,
    pipeline: row.pipeline,
    environment: row.environment,
    cron: row.cron,
    timezone: row.timezone,
    startGraceSeconds: row.start_grace_seconds,
    runLimitSeconds: row.run_limit_seconds,
    minimumSeconds: row.minimum_seconds,
    exceptDays: row.except_days,
    enabled: row.enabled,
    createdAt: row.created_at,
  };
}

/** Writes it, new or changed. @param pool of runledger_operator or runledger_owner @throws ScheduleError */
export async function setSchedule(pool: Queryable, schedule: Schedule, now: Date = new Date()): Promise<void> {
  checkSchedule(schedule, now);
  await pool.query(loadSql('queries/alerts/set_schedule'), [
    schedule.tenantId,
    schedule.pipeline,
    schedule.environment,
    schedule.cron,
    schedule.timezone,
    schedule.startGraceSeconds,
    schedule.runLimitSeconds,
    schedule.minimumSeconds,
    [...new Set(schedule.exceptDays)].sort(),
    schedule.enabled,
    now,
  ]);
}

/** @returns false when there is none */
export async function removeSchedule(
  pool: Queryable,
  { tenantId, pipeline, environment }: Pick<Schedule, 'tenantId' | 'pipeline' | 'environment'>,
): Promise<boolean> {
  const { rowCount } = await pool.query(loadSql('queries/alerts/remove_schedule'), [tenantId, pipeline, environment]);
  return rowCount === 1;
}
