/** `runledger job run NAME`: one of the scheduler's jobs, now and once. Each may run beside a `runledger start` and as often as one likes. */

import { type Command, Option } from 'commander';
import { isJobName, JOBS, type JobDeps, type JobLog, type JobName } from '../derive/jobs.ts';
import { ensurePartitions } from '../store/partitions.ts';
import { type CliContext, examples, type Register } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';

const DAY_MS = 86_400_000;
const DAYS_AHEAD = 3;

export const registerJob: Register = (program, context) => {
  const job = program
    .command('job')
    .description("list the scheduler's jobs, or run one now")
    .addHelpText('after', examples('runledger job list', 'runledger job run derive_due'));

  job
    .command('list')
    .description('names of all jobs')
    .option('--json', 'print a list of names')
    .action((options: { json?: boolean }) => {
      const names = Object.keys(JOBS);
      if (options.json === true) context.terminal.printJson(names);
      else context.terminal.print(names.join('\n'));
    });

  job
    .command('run')
    .description('run one job now; exit code 1 when it is audit and a counter differs')
    .argument('<name>', Object.keys(JOBS).join(', '))
    .addOption(new Option('--json', 'print what it did as JSON'))
    .action(async (name: string, options: { json?: boolean }, command: Command) => {
      if (!isJobName(name))
        throw new CliError(EXIT.usage, `There is no job ${name}\nJobs: ${Object.keys(JOBS).join(', ')}`);
      const result = await withDatabase(command, context, (database) => runJob(name, database, context));
      if (options.json === true) context.terminal.printJson({ job: name, ...result });
      else context.terminal.print(describe(name, result));
      if ('difference' in result && result.difference !== 0) process.exitCode = EXIT.no;
    });
};

async function runJob(name: JobName, database: CommandDatabase, context: CliContext): Promise<object> {
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

function describe(name: string, result: object): string {
  const parts = Object.entries(result).flatMap(([key, value]) =>
    typeof value === 'object' ? [] : [`${key} ${String(value)}`],
  );
  return parts.length === 0 ? `${name}: done` : `${name}: ${parts.join(', ')}`;
}
