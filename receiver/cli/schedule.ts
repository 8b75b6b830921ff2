/** `runledger schedule set|list|remove`: when runs are meant to start. */

import { type Command, Option } from 'commander';
import type { Pool } from 'pg';
import { recordAct } from '../derive/alerts/acts.ts';
import { planExpectedRuns } from '../derive/alerts/expected_runs.ts';
import {
  dueTimes,
  findSchedule,
  listSchedules,
  removeSchedule,
  type Schedule,
  ScheduleError,
  type StoredSchedule,
  setSchedule,
} from '../derive/alerts/schedules.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import { loadSql } from '../store/sql.ts';
import { type CliContext, examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH, formatDuration, formatTime } from './format.ts';
import { loginName } from './login_name.ts';
import { parsePeriod } from './period.ts';
import { findTenant } from './run_data.ts';
import { type Column, renderTable } from './table.ts';

const SHOWN_DUE_TIMES = 3;
const LOOK_AHEAD_MS = 800 * 86_400_000;

interface Place {
  tenant: string;
  by: string;
  environment: string;
  json?: boolean;
}

interface SetOptions extends Place {
  cron?: string;
  timezone?: string;
  grace?: string;
  limit?: string;
  minimum?: string;
  except?: string;
  enabled?: boolean;
  disabled?: boolean;
}

/** One line of `schedule list`. */
interface ScheduleLine extends Omit<StoredSchedule, 'createdAt'> {
  /** ISO 8601; the next three. */
  next: string[];
  lastRun: { runId: number; runKey: string | null; status: string; startedAt: Date | null } | null;
}

export const registerSchedule: Register = (program, context) => {
  const schedule = program
    .command('schedule')
    .description('say when runs are meant to start, so that missed, stuck and too short ones alert')
    .addHelpText(
      'after',
      examples(
        'runledger schedule set nightly --tenant acme --cron "0 2 * * *" --timezone Europe/Berlin --limit 4h',
        'runledger schedule set nightly --tenant acme --except 2026-12-25,2027-01-01',
        'runledger schedule list',
      ),
    );
  addSet(schedule, context);
  schedule
    .command('list')
    .description('all schedules with their next three due times and the last run')
    .option('--json', 'print a list of schedules')
    .action(async (options: { json?: boolean }, command: Command) => {
      const lines = await withDatabase(command, context, ({ pool }) => readLines(pool('runledger_operator')));
      const { terminal } = context;
      if (options.json === true) terminal.printJson(lines);
      else if (lines.length === 0)
        terminal.print(
          'No schedules yet: no run is expected, so none can be missed.\nAdd one: runledger schedule set --help',
        );
      else terminal.print(renderTable(COLUMNS, lines, terminal));
    });
  atPlace(schedule.command('remove'))
    .description('expect no runs any more; what was missed before is forgotten')
    .action((pipeline: string, options: Place, command: Command) =>
      withOwner(command, context, async (pool) => {
        const place = {
          tenantId: await requireTenant(pool, options.tenant),
          pipeline,
          environment: options.environment,
        };
        if (!(await removeSchedule(pool, place)))
          throw new CliError(EXIT.no, `${nameOf(place)} has no schedule\nRun: runledger schedule list`);
        await record(pool, place, 'schedule_remove', options.by, null);
        await plan(pool, context);
        if (options.json === true) context.terminal.printJson({ removed: place });
        else context.terminal.print(`${nameOf(place)} has no schedule any more`);
      }),
    );
};

function addSet(schedule: Command, context: CliContext): void {
  atPlace(schedule.command('set'))
    .description('add or change a schedule; what is not given stays as it is')
    .option('--cron <pattern>', 'minute, hour, day of month, month, day of week, as in "0 2 * * 1-5"')
    .option('--timezone <name>', 'as in Europe/Berlin; UTC at first')
    .option('--grace <time>', 'how late a run may start, as in 15m; at first 15m')
    .option('--limit <time>', 'how long a run may take, as in 4h; none: as the rule says')
    .option('--minimum <time>', 'how long it takes at least; none: as the rule says')
    .option('--except <days>', 'days in its timezone on which none is expected, as in 2026-12-25,2027-01-01; none')
    .addOption(new Option('--disabled', 'expect nothing for now').conflicts('enabled'))
    .option('--enabled', 'expect runs again')
    .action((pipeline: string, options: SetOptions, command: Command) =>
      withOwner(command, context, async (pool) => {
        const tenantId = await requireTenant(pool, options.tenant);
        const place = { tenantId, pipeline, environment: options.environment };
        const before = await findSchedule(pool, place);
        const wanted = withOptions(before ?? newSchedule(place, options), options);
        await checked(() => setSchedule(pool, wanted));
        await record(pool, place, 'schedule_set', options.by, wanted);
        await plan(pool, context);
        const line = (await readLines(pool)).find((one) => nameOf(one) === nameOf(place));
        if (options.json === true) context.terminal.printJson(line ?? null);
        else if (line !== undefined) context.terminal.print(renderTable(COLUMNS, [line], context.terminal));
      }),
    );
}

function atPlace(command: Command): Command {
  return command
    .argument('<pipeline>', 'as its runs name it')
    .requiredOption('--tenant <id or name>', 'whose')
    .option('--environment <name>', 'as its runs name it; without: runs without one', '')
    .option('--by <name>', 'who, for the record', loginName())
    .option('--json', 'print the result as JSON');
}

function newSchedule(place: Pick<Schedule, 'tenantId' | 'pipeline' | 'environment'>, { cron }: SetOptions): Schedule {
  if (cron === undefined)
    throw new CliError(EXIT.usage, `${nameOf(place)} has no schedule yet\nGive it one with --cron "0 2 * * *"`);
  return {
    ...place,
    cron,
    timezone: 'UTC',
    startGraceSeconds: 900,
    runLimitSeconds: null,
    minimumSeconds: null,
    exceptDays: [],
    enabled: true,
  };
}

function withOptions(schedule: Schedule, options: SetOptions): Schedule {
  const { cron, timezone, grace, limit, minimum, except } = options;
  return {
    ...schedule,
    ...(cron !== undefined && { cron: cron.trim() }),
    ...(timezone !== undefined && { timezone }),
    ...(grace !== undefined && { startGraceSeconds: grace === '0' ? 0 : secondsOf(grace, '--grace') }),
    ...(limit !== undefined && { runLimitSeconds: limit === 'none' ? null : secondsOf(limit, '--limit') }),
    ...(minimum !== undefined && { minimumSeconds: minimum === 'none' ? null : secondsOf(minimum, '--minimum') }),
    ...(except !== undefined && { exceptDays: except === 'none' ? [] : except.split(',').map((day) => day.trim()) }),
    ...((options.enabled === true || options.disabled === true) && { enabled: options.enabled === true }),
  };
}

function secondsOf(text: string, what: string): number {
  return Math.round(parsePeriod(text, what) / 1000);
}

async function checked(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof ScheduleError ? new CliError(EXIT.usage, error.message, { cause: error }) : error;
  }
}

function record(
  pool: Pool,
  { tenantId, pipeline, environment }: Pick<Schedule, 'tenantId' | 'pipeline' | 'environment'>,
  act: 'schedule_set' | 'schedule_remove',
  actor: string,
  details: object | null,
): Promise<void> {
  const object = `schedule ${pipeline}${environment === '' ? '' : ` (${environment})`}`;
  return recordAct(pool, { tenantId, actor, act, object, reason: null, details }, new Date());
}

/** At once, so that a run that is due in a minute is expected. The owner, because no other role writes what is expected. */
async function plan(pool: Pool, { terminal }: CliContext): Promise<void> {
  await planExpectedRuns(pool, { log: { warn: (_, message) => terminal.remark(message) } });
}

function withOwner(command: Command, context: CliContext, work: (pool: Pool) => Promise<void>): Promise<void> {
  return withDatabase(command, context, ({ pool }) => work(pool('runledger_owner')));
}

async function requireTenant(pool: Pool, ref: string): Promise<number> {
  return (await findTenant(pool, check(tenantRefParam, ref, 'tenant'))) ?? 0;
}

async function readLines(pool: Pool): Promise<ScheduleLine[]> {
  const now = new Date();
  const schedules = await listSchedules(pool);
  const { rows } = await pool.query<{
    tenant_id: number;
    pipeline: string;
    environment: string;
    run_id: number;
    run_key: string | null;
    status: string;
    started_at: Date | null;
  }>(loadSql('queries/alerts/read_last_runs'));
  const runs = new Map(rows.map((row) => [nameOf({ ...row, tenantId: row.tenant_id }), row]));
  return schedules.map(({ createdAt: _, ...schedule }) => {
    const run = runs.get(nameOf(schedule));
    return {
      ...schedule,
      next: schedule.enabled ? nextOf(schedule, now) : [],
      lastRun:
        run === undefined
          ? null
          : { runId: run.run_id, runKey: run.run_key, status: run.status, startedAt: run.started_at },
    };
  });
}

/** A schedule that SQL wrote may be wrong; the list shows it all the same. */
function nextOf(schedule: Schedule, now: Date): string[] {
  try {
    const times: string[] = [];
    for (const due of dueTimes(schedule, now, new Date(now.getTime() + LOOK_AHEAD_MS))) {
      times.push(due.toISOString());
      if (times.length === SHOWN_DUE_TIMES) break;
    }
    return times;
  } catch (error) {
    if (error instanceof ScheduleError) return [];
    throw error;
  }
}

function nameOf({ tenantId, pipeline, environment }: Pick<Schedule, 'tenantId' | 'pipeline' | 'environment'>): string {
  return `Pipeline ${pipeline}${environment === '' ? '' : ` (${environment})`} of tenant ${tenantId}`;
}

const COLUMNS: Column<ScheduleLine>[] = [
  { title: 'tenant', value: (s) => String(s.tenantId), align: 'right' },
  {
    title: 'pipeline',
    value: (s) => (s.environment === '' ? s.pipeline : `${s.pipeline} (${s.environment})`),
    shrinksTo: 10,
  },
  { title: 'cron', value: (s) => s.cron },
  { title: 'timezone', value: (s) => s.timezone, leaves: 2 },
  { title: 'grace', value: (s) => formatDuration(s.startGraceSeconds * 1000), leaves: 5 },
  { title: 'limit', value: (s) => periodOf(s.runLimitSeconds), leaves: 5 },
  { title: 'minimum', value: (s) => periodOf(s.minimumSeconds), leaves: 5 },
  { title: 'except', value: (s) => s.exceptDays.join(' ') || DASH, shrinksTo: 10, leaves: 6 },
  {
    title: 'next due (UTC)',
    value: (s) => (s.enabled ? s.next.map((due) => formatTime(due).slice(0, 16)).join(', ') || DASH : 'disabled'),
    shrinksTo: 16,
  },
  {
    title: 'last run',
    value: ({ lastRun }) =>
      lastRun === null
        ? DASH
        : `${formatTime(lastRun.startedAt?.toISOString() ?? null).slice(0, 16)} ${lastRun.status}`,
    leaves: 3,
  },
];

function periodOf(seconds: number | null): string {
  return seconds === null ? DASH : formatDuration(seconds * 1000);
}
