/** `runledger export RUN`: a run's events on stdout, as the CSV of the API, as JSON lines or as Parquet. */

import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { operatorScope, type Scope } from '../serve/access.ts';
import { eventLinePages } from '../serve/event_lines.ts';
import { eventsCsv } from '../serve/events_csv.ts';
import { readRun } from '../serve/read.ts';
import { eventsParquet } from '../serve/run_parquet.ts';
import type { Run } from '../serve/shape.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { formatCount } from './format.ts';
import { findTenant } from './run_data.ts';
import { storedRef } from './stored_ref.ts';

interface ExportOptions {
  tenant?: string;
  format: 'csv' | 'json' | 'parquet';
}

export const registerExport: Register = (program, context) => {
  program
    .command('export')
    .description("print a run's events")
    .argument('<run>', 'run id or run key')
    .option('--tenant <id or name>', 'whose run, where several tenants have one of this name')
    .addOption(
      new Option('--format <format>', 'CSV, one JSON object a line, or Parquet')
        .choices(['csv', 'json', 'parquet'])
        .default('csv'),
    )
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      examples(
        'runledger export 2026-11-22-nightly > run.csv',
        'runledger export 4711 --format json',
        'runledger export 4711 --format parquet > run.parquet',
      ),
    )
    .action(async (ref: string, options: ExportOptions & { json?: boolean }, command: Command) => {
      const format = options.json === true ? 'json' : options.format;
      if (format === 'parquet' && process.stdout.isTTY) {
        throw new CliError(
          EXIT.usage,
          'Parquet is not for a terminal: send it to a file, runledger export RUN --format parquet > run.parquet',
        );
      }
      const rowCount = await withDatabase(command, context, async (database) => {
        const scope = operatorScope(database.pool('runledger_operator'));
        const stored = await storedRef(database, ref);
        const run = await scope.read(async (client) =>
          readRun(client, stored, await findTenant(client, options.tenant)),
        );
        return WRITERS[format](scope, run);
      });
      context.terminal.remark(`${formatCount(rowCount)} events`);
    });
};

const WRITERS: Readonly<Record<ExportOptions['format'], (scope: Scope, run: Run) => Promise<number>>> = {
  csv: writeCsv,
  json: writeJsonLines,
  parquet: writeParquet,
};

async function writeCsv(scope: Scope, run: Run): Promise<number> {
  const csv = eventsCsv(scope, run);
  await pipeline(csv.stream, process.stdout, { end: false });
  return csv.rowCount();
}

async function writeJsonLines(scope: Scope, run: Run): Promise<number> {
  let rowCount = 0;
  for await (const { text, rows } of eventLinePages(scope, run)) {
    rowCount += rows;
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  }
  return rowCount;
}

async function writeParquet(scope: Scope, run: Run): Promise<number> {
  const { pieces, rowCount } = eventsParquet(scope, run);
  for await (const piece of pieces) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  }
  return rowCount();
}
