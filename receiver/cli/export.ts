/** `runledger export RUN`: a run's events on stdout, as the CSV of the API or as JSON lines. */

import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { operatorScope, type Scope } from '../serve/access.ts';
import { eventLinePages } from '../serve/event_lines.ts';
import { eventsCsv } from '../serve/events_csv.ts';
import { readRun } from '../serve/read.ts';
import type { Run } from '../serve/shape.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { formatCount } from './format.ts';
import { findTenant } from './run_data.ts';
import { storedRef } from './stored_ref.ts';

interface ExportOptions {
  tenant?: string;
  format: 'csv' | 'json';
}

export const registerExport: Register = (program, context) => {
  program
    .command('export')
    .description("print a run's events")
    .argument('<run>', 'run id or run key')
    .option('--tenant <id or name>', 'whose run, where several tenants have one of this name')
    .addOption(
      new Option('--format <format>', 'CSV, or one JSON object a line').choices(['csv', 'json']).default('csv'),
    )
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      examples('runledger export 2026-11-22-nightly > run.csv', 'runledger export 4711 --format json'),
    )
    .action(async (ref: string, options: ExportOptions & { json?: boolean }, command: Command) => {
      const rowCount = await withDatabase(command, context, async (database) => {
        const scope = operatorScope(database.pool('runledger_operator'));
        const stored = await storedRef(database, ref);
        const run = await scope.read(async (client) =>
          readRun(client, stored, await findTenant(client, options.tenant)),
        );
        return options.format === 'json' || options.json === true ? writeJsonLines(scope, run) : writeCsv(scope, run);
      });
      context.terminal.remark(`${formatCount(rowCount)} events`);
    });
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
