/**
 * Kills a job at random moments, as often as asked for, then lets it come to its end, and holds what every table says against a database on which
 * the same job was left alone. A kill ends the job's sessions on the server, or is kill -9 of a process that runs the command.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import type { JobName } from '../../receiver/derive/jobs.ts';
import { type Clone, onClone, runJob } from './job_clone.ts';
import type { Sink } from './job_scene.ts';
import { differences, dumpAll } from './job_state.ts';
import type { Random } from './random_spans.ts';

const KILLS_AT_MOST_IN_A_ROW = 10;
/** Jobs that only look: there is as much to look at afterwards. */
const READERS: ReadonlySet<string> = new Set(['audit']);
const READER_KILLS_IN_A_ROW = 50;
/** After so many runs that changed something, a job comes to no end. */
const RUNS_TO_THE_END = 8;
/**
 * Jobs that leave the rest to another one, which then runs before what is compared: a run that retention has closed may be left in the queue of
 * derives, or not when retention was begun twice; messages of a sweep that died before it sent them go with the next delivery.
 */
const AFTERWARDS: Partial<Record<string, JobName>> = { retention: 'derive_due', alerts: 'deliver_alerts' };
const BUILT = fileURLToPath(new URL('../../dist/receiver/cli/main.js', import.meta.url));

export interface JobKillOptions {
  serverUrl: string;
  /** A database with work for the job, nobody connected. */
  template: string;
  job: JobName;
  kills: number;
  /** Of the kills, so many are kill -9 of a process; needs the build. */
  processKills: number;
  random: Random;
  /** Where the template's channels lead; it must have got every message that is noted as sent. */
  sink: Sink;
  onTrial?: (result: JobKillResult) => void;
}

export interface JobKillResult {
  job: JobName;
  /** That found the job at work. */
  sessionKills: number;
  processKills: number;
  /** That came before it had begun or after it had ended. */
  missed: number;
  trials: number;
  aloneMs: number;
  /** Within this time a kill comes, from when a session is at work. */
  windowMs: number;
  /** Rows that the job added, changed or removed when left alone. */
  rowsMoved: number;
  /** What another end state had or lacked, and jobs that failed without a kill. */
  faults: string[];
}

export async function killJob(options: JobKillOptions): Promise<JobKillResult> {
  const { expected, aloneMs, rowsMoved } = await leaveAlone(options);
  const result: JobKillResult = {
    job: options.job,
    sessionKills: 0,
    processKills: 0,
    missed: 0,
    trials: 0,
    aloneMs,
    windowMs: aloneMs,
    rowsMoved,
    faults: [],
  };
  const isDone = () => result.sessionKills + result.processKills >= options.kills;
  while (!isDone() && result.faults.length < 20) {
    result.trials++;
    await onClone(options, `trial_${result.trials}`, async (clone) => {
      const isReader = READERS.has(options.job);
      const inARow = 1 + options.random.below(isReader ? READER_KILLS_IN_A_ROW : KILLS_AT_MOST_IN_A_ROW);
      // One that met nothing met a job that had come to its end: there is nothing left to disturb.
      for (let kill = 0; kill < inARow && !isDone(); kill++)
        if (!(await killOnce(clone, options, result)) && !isReader) break;
      const found = await runToEnd(clone, options.job, result.faults);
      result.faults.push(...(await unsent(clone, options.sink)));
      result.faults.push(...differences(expected, found).map((line) => `trial ${result.trials}: ${line}`));
    });
    options.onTrial?.(result);
  }
  return result;
}

async function leaveAlone(options: JobKillOptions) {
  return onClone(options, 'alone', async (clone) => {
    const before = await dumpAll(clone.superuser);
    let startedMs = 0;
    await runJob(clone, options.job, () => {
      startedMs = performance.now();
    });
    const aloneMs = performance.now() - startedMs;
    const faults: string[] = [];
    const expected = await runToEnd(clone, options.job, faults);
    if (faults.length > 0) throw new Error(`${options.job} fails when left alone: ${faults[0]}`);
    return { expected, aloneMs, rowsMoved: differences(before, expected).length };
  });
}

/** Messages that were never received although they are noted as sent. */
async function unsent({ superuser }: Clone, { received }: Sink): Promise<string[]> {
  const { rows } = await superuser.query<{ id: string }>(
    `select tenant_id || '-' || delivery_id as id from runledger.alert_deliveries where state = 'sent' and channel in ('ops', 'own')`,
  );
  return rows.filter(({ id }) => !received.has(id)).map(({ id }) => `message ${id} is noted as sent and was not`);
}

/** Runs the job until a further run changes nothing, with time going by in between. @returns the end state */
async function runToEnd(clone: Clone, job: JobName, faults: string[]): Promise<Map<string, string[]>> {
  const afterwards = AFTERWARDS[job];
  let last: Map<string, string[]> | null = null;
  for (let run = 0; run < RUNS_TO_THE_END; run++) {
    await letTimePass(clone.superuser);
    await runFaultless(clone, job, faults);
    if (afterwards !== undefined) await runFaultless(clone, afterwards, faults);
    const now = await dumpAll(clone.superuser);
    if (last !== null && differences(last, now).length === 0) return now;
    last = now;
  }
  faults.push(`${job} still changes something in its run ${RUNS_TO_THE_END}`);
  return last ?? new Map();
}

async function runFaultless(clone: Clone, job: JobName, faults: string[]): Promise<void> {
  try {
    const result = await runJob(clone, job);
    if ('failed' in result && result.failed !== 0) faults.push(`${job} ends with ${JSON.stringify(result)}`);
  } catch (error) {
    faults.push(`${job} fails without a kill: ${String(error)}`);
  }
}

/** What is due in a minute is due now, and whoever held a channel has let go of it. */
async function letTimePass(superuser: Pool): Promise<void> {
  await superuser.query(
    `update runledger.dirty_runs set due_at = now() - interval '1 second';
     update runledger.alert_deliveries set next_attempt_at = now() - interval '1 second' where state = 'pending';
     update runledger.alert_channels set leased_until = null, paused_until = null, posted_at = '{}'`,
  );
}

async function killOnce(clone: Clone, options: JobKillOptions, result: JobKillResult): Promise<boolean> {
  const isProcess = result.processKills < options.processKills && options.random.chance(0.3);
  const hit = isProcess ? await killProcess(clone, options, result) : await killSessions(clone, options, result);
  result.windowMs *= hit ? 1.02 : 0.9;
  if (!hit) result.missed++;
  else if (isProcess) result.processKills++;
  else result.sessionKills++;
  return hit;
}

/** It hit when the job failed of it, or was at work before it, or not at its end afterwards. */
async function killSessions(clone: Clone, { job, random }: JobKillOptions, result: JobKillResult): Promise<boolean> {
  const state = { isOver: false, hasFailed: false };
  let killing: Promise<boolean | null> = Promise.resolve(null);
  const { promise: begun, resolve: begin } = withResolvers();
  const running = runJob(clone, job, async () => {
    killing = killAtWork(clone, random.next() * result.windowMs);
    begin();
    // So that it is on the watch when the job begins.
    await sleep(3);
  })
    .catch(() => {
      state.hasFailed = true;
    })
    .finally(() => {
      state.isOver = true;
      begin();
    });
  await begun;
  const hit = await killing;
  const isStillOn = !state.isOver;
  await running;
  return hit !== null && (hit || state.hasFailed || isStillOn);
}

async function killAtWork({ superuser }: Clone, delayMs: number): Promise<boolean | null> {
  const { rows } = await superuser.query<{ hit: boolean | null }>('select public.kill_at_work($1) as hit', [delayMs]);
  return rows[0]?.hit ?? null;
}

/** It hit when a session was at work, or the job was waiting for something else. The server goes on with the statement at hand, or its commit, and finds out afterwards; the next try may meet it. */
async function killProcess(clone: Clone, { job, random }: JobKillOptions, result: JobKillResult): Promise<boolean> {
  const child = spawn(process.execPath, [BUILT, 'job', 'run', job], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH ?? '', DATABASE_URL: clone.url },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await untilAtWork(clone.superuser, child);
  await Promise.race([ended, sleep(random.next() * result.windowMs)]);
  const isAtWork = child.exitCode === null && (await countAtWork(clone.superuser)) > 0;
  child.kill('SIGKILL');
  await ended;
  return isAtWork && child.signalCode === 'SIGKILL';
}

async function untilAtWork(superuser: Pool, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && (await countAtWork(superuser)) === 0) await sleep(2);
}

async function countAtWork(superuser: Pool): Promise<number> {
  const { rows } = await superuser.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity
     where datname = current_database() and (application_name = 'runledger_owner' or (application_name = 'runledger_ingest' and state <> 'idle'))`,
  );
  return rows[0]?.n ?? 0;
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
