/**
 * Runs the jobs by the clock: graphile-worker's cron in the ledger's own database, so that several receivers share each run of a job, and
 * beside it a timer in this process that derives live runs as soon as they are due, which a cron of minutes is too coarse for.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type ParsedCronItem, parseCronItems, type Runner, run, type TaskList } from 'graphile-worker';
import type { Pool } from 'pg';
import { createPool } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';
import { JOB_SCHEDULE } from './job_schedule.ts';
import { deriveDueJob, JOBS, type JobDeps, type JobLog } from './jobs.ts';

/** One that listens, two jobs at a time, and two derives of the timer with a spare one. */
const CONNECTIONS = 6;
const JOBS_AT_ONCE = 2;
const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 10_000;
const RESTART_WAIT_MS = 2_000;
/** Looks for a job in a row that failed, over both workers; each looks every two seconds. */
const FAILED_LOOKS = 4;

export type SchedulerDeps = Omit<JobDeps, 'pool'> & { databaseUrl: string };

export interface Scheduler {
  /** Waits for the jobs that run, then closes the connections. */
  stop(): Promise<void>;
}

/**
 * Starts cron and timer. graphile-worker's own tables are made at the first start, in schema graphile_worker, owned by runledger_owner.
 * @throws a pg error when the database cannot be reached or the owner may not make the schema; later losses are waited out
 */
export async function startJobs(deps: SchedulerDeps): Promise<Scheduler> {
  const { databaseUrl, log } = deps;
  const pool = createPool({
    databaseUrl,
    role: 'runledger_owner',
    maxConnections: CONNECTIONS,
    log: (message) => log.warn({}, message),
  });
  // createPool listens on each connection already; graphile-worker looks for this listener and warns on stderr without it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    const cron = await superviseCron({ ...deps, pool });
    const timer = startDeriveTimer(pool, log);
    const stopAll = async () => {
      await Promise.all([cron.stop(), timer.stop()]);
      await pool.end();
    };
    let stopping: Promise<void> | undefined;
    return {
      stop: () => {
        stopping ??= stopAll();
        return stopping;
      },
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/**
 * Keeps a runner going through losses of the database, however long. graphile-worker 0.17.3 does not by itself: when the connection breaks
 * during a worker's first look for jobs it keeps that failure, and every later look fails with it; only a new runner looks anew.
 */
async function superviseCron(jobDeps: JobDeps): Promise<{ stop(): Promise<void> }> {
  const stopped = new AbortController();
  const deps = { ...jobDeps, signal: stopped.signal };
  let runner: Runner = await startRunner(deps);
  const supervise = async () => {
    while (!stopped.signal.aborted) {
      try {
        await runner.promise;
        if (stopped.signal.aborted) return;
        deps.log.warn({}, 'the job runner ended, starting it again');
      } catch (error) {
        deps.log.error({ err: error }, 'the job runner failed, starting it again');
      }
      await restart();
    }
  };
  const restart = async () => {
    while (!stopped.signal.aborted) {
      if (!(await pause(RESTART_WAIT_MS, stopped.signal))) return;
      try {
        runner = await startRunner(deps);
        return;
      } catch (error) {
        deps.log.warn({ err: error }, 'the job runner cannot start yet');
      }
    }
  };
  const supervised = supervise();
  return {
    stop: async () => {
      stopped.abort();
      // A runner that has just ended by itself refuses to be stopped; its promise has settled then.
      await Promise.allSettled([runner.stop(), runner.promise]);
      await supervised;
      // A restart may have been half-way when we were told to stop.
      await Promise.allSettled([runner.stop()]);
    },
  };
}

async function startRunner(deps: JobDeps): Promise<Runner> {
  const runner = await run({
    pgPool: deps.pool,
    schema: 'graphile_worker',
    concurrency: JOBS_AT_ONCE,
    noHandleSignals: true,
    taskList: taskList(deps),
    parsedCronItems: cronItems(),
    // Nobody waits for the end of a job to be noted, so that a database which is away just then would end the process by an unhandled
    // rejection (0.17.3). In batches the failure has a handler: it ends the runner, which is then started again.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    logger: new Logger(() => (level, message, meta) => logRunner(deps.log, level, message, meta)),
  });
  let failedLooks = 0;
  const reset = () => {
    failedLooks = 0;
  };
  runner.events.on('worker:getJob:empty', reset).on('job:start', reset);
  runner.events.on('worker:getJob:error', () => {
    failedLooks++;
    // It refuses only when it is ending already.
    if (failedLooks === FAILED_LOOKS) runner.stop('no jobs can be read').catch(() => undefined);
  });
  return runner;
}

function taskList(deps: JobDeps): TaskList {
  const entries = Object.entries(JOBS).map(([name, job]) => [name, async () => void (await job(deps))] as const);
  return Object.fromEntries(entries);
}

/**
 * The key replaces a job that still waits, so that missed minutes do not pile up. No queue names: a receiver that was killed keeps its
 * queue locked for four hours, whereas a locked job merely loses its key to the next one.
 */
function cronItems(): ParsedCronItem[] {
  return parseCronItems(
    Object.entries(JOB_SCHEDULE).map(([task, { match, maxAttempts }]) => ({
      task,
      match,
      identifier: task,
      options: { backfillPeriod: 0, maxAttempts, jobKey: task },
    })),
  );
}

/** Its information and debug lines are one for each job and minute, so only what went wrong is passed on. */
function logRunner(log: JobLog, level: string, message: string, meta: unknown): void {
  const fields = typeof meta === 'object' && meta !== null && 'error' in meta ? { err: meta.error } : {};
  if (level === 'error') log.error(fields, message);
  else if (level === 'warning') log.warn(fields, message);
}

/**
 * Derives due runs, then waits until the next is due: at most ten seconds, which is the least that a changed run waits for (CHANGED_RUN_WAIT_MS),
 * so that none is looked at late, whichever receiver marked it.
 */
function startDeriveTimer(pool: Pool, log: JobLog): { stop(): Promise<void> } {
  const ending = new AbortController();
  const loop = async () => {
    while (!ending.signal.aborted) await pause(await deriveOnce(pool, log), ending.signal);
  };
  const looping = loop();
  return {
    stop: async () => {
      ending.abort();
      await looping;
    },
  };
}

async function deriveOnce(pool: Pool, log: JobLog): Promise<number> {
  try {
    await deriveDueJob({ pool, log });
    const { rows } = await pool.query<{ wait_ms: number | null }>(loadSql('queries/derive/read_next_due'), [
      new Date(),
    ]);
    return Math.min(WAIT_MAX_MS, Math.max(WAIT_MIN_MS, rows[0]?.wait_ms ?? WAIT_MAX_MS));
  } catch (error) {
    log.warn({ err: error }, 'due runs could not be read, trying again');
    return WAIT_MAX_MS;
  }
}

/** Resolves to true after the time, to false when the signal ended it. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}
