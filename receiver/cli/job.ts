/** `runledger job run NAME`: one of the scheduler's jobs, now and once. Each may run beside a `runledger start` and as often as one likes. */

import { type Command, Option } from 'commander';
import { JOB_SCHEDULE } from '../derive/job_schedule.ts';
import { isJobName, JOBS, type JobDeps, type JobLog, type JobName } from '../derive/jobs.ts';
import type { DroppedDay } from '../derive/retention.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { type CliContext, examples, type Register } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { formatCount } from './format.ts';
import { type Column, renderTable } from './table.ts';

const DAY_MS = 86_400_000;
const DAYS_AHEAD = 3;

export const registerJob: Register = (program, context) => {
  const job = program
    .command('job')
    .description("list the scheduler's jobs, or run one now")
    .addHelpText('after', examples('runledger job list', 'runledger job run derive_due'));

  job
    .command('list')
    .description('all jobs: when they run, and what they do')
    .option('--json', 'print a list of names')
    .action((options: { json?: boolean }) => {
      if (options.json === true) context.terminal.printJson(Object.keys(JOBS));
      else context.terminal.print(jobTable(context));
    });

  job
    .command('run')
    .description('run one job now; exit code 1 when it is audit or retention and a counter differs')
    .argument('<name>', Object.keys(JOBS).join(', '))
    .option('--dry-run', 'retention: say which days, events and runs would go, and change nothing')
    .addOption(new Option('--json', 'print what it did as JSON'))
    .action(async (name: string, options: { json?: boolean; dryRun?: boolean }, command: Command) => {
      if (!isJobName(name))
        throw new CliError(EXIT.usage, `There is no job ${name}\nJobs: ${Object.keys(JOBS).join(', ')}`);
      const dryRun = options.dryRun === true;
      if (dryRun && name !== 'retention')
        throw new CliError(
          EXIT.usage,
          `Job ${name} has no dry run\nOnly retention has one: runledger job run retention --dry-run`,
        );
      const result = await withDatabase(command, context, (database) => runJob(name, database, context, dryRun));
      if (options.json === true) context.terminal.printJson({ job: name, ...result });
      else context.terminal.print(describe(name, result));
      if (hasDifference(result)) process.exitCode = EXIT.no;
    });
};

interface JobLine {
  name: string;
  match: string;
  what: string;
}

const JOB_COLUMNS: Column<JobLine>[] = [
  { title: 'JOB', value: ({ name }) => name },
  { title: 'CRON, UTC', value: ({ match }) => match },
  { title: 'WHAT IT DOES', value: ({ what }) => what, shrinksTo: 20 },
];

function jobTable({ terminal }: CliContext): string {
  const rows = Object.entries(JOB_SCHEDULE).map(([name, { match, what }]) => ({ name, match, what }));
  return renderTable(JOB_COLUMNS, rows, terminal);
}

async function runJob(name: JobName, database: CommandDatabase, context: CliContext, dryRun: boolean): Promise<object> {
  const { createWriter } = await import('../write/writer.ts');
  const ingest = database.pool('runledger_ingest');
  const writer = await createWriter({ pool: ingest });
  const days = Array.from({ length: DAYS_AHEAD + 2 }, (_, index) =>
    new Date(Date.now() + (index - 1) * DAY_MS).toISOString().slice(0, 10),
  );
  const deps: JobDeps = {
    pool: database.pool('runledger_owner'),
    log: remarks(context),
    writer,
    ensurePartitions: () => ensurePartitions(ingest, days),
    eventRetentionDays: database.config.eventRetentionDays,
    qaRetentionDays: database.config.qaRetentionDays,
    links: { publicUrl: database.config.publicUrl, jaegerUiUrl: database.config.jaegerUiUrl },
    dryRun,
  };
  try {
    return await JOBS[name](deps);
  } finally {
    await writer.close();
  }
}

function remarks({ terminal }: CliContext): JobLog {
  const say = (_fields: object, message: string) => terminal.remark(message);
  return { info: say, warn: say, error: say };
}

/** Of audit and retention. */
function hasDifference(result: { difference?: number; sealed_difference?: number }): boolean {
  return (result.difference ?? 0) + (result.sealed_difference ?? 0) > 0;
}

function describe(name: string, result: object): string {
  const parts = Object.entries(result).flatMap(([key, value]) =>
    typeof value === 'object' ? [] : [`${key} ${String(value)}`],
  );
  const summary = parts.length === 0 ? `${name}: done` : `${name}: ${parts.join(', ')}`;
  return 'days' in result && Array.isArray(result.days)
    ? [...result.days.map(describeDay), summary].join('\n')
    : summary;
}

/** A day that retention dropped, or would drop. */
function describeDay({ day, events, runs_sealed, bytes }: DroppedDay): string {
  return `${day}  ${formatCount(events)} events  ${formatCount(runs_sealed)} runs sealed  ${formatCount(bytes)} bytes`;
}
