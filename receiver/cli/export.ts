/** `runledger export RUN`: a run's events on stdout, as the CSV of the API or as JSON lines. */

import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { operatorScope, type Scope } from '../serve/access.ts';
import { eventsCsv } from '../serve/events_csv.ts';
import { readLines, readRun } from '../serve/read.ts';
import type { Run } from '../serve/shape.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { formatCount } from './format.ts';
import { findTenant } from './run_data.ts';

interface ExportOptions {
  tenant?: string;
  format: 'csv' | 'json';
}

interface EventLine {
  ts: string;
  span_id: string;
  seq: number;
}

const PAGE_ROWS = 1000;
const BEFORE_ANY_SEQ = -(2 ** 31);

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
        const run = await scope.read(async (client) => readRun(client, ref, await findTenant(client, options.tenant)));
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
  let from = run.first_event_at;
  let after = { spanId: '', seq: BEFORE_ANY_SEQ };
  let rowCount = 0;
  while (from !== null) {
    const values = [run.tenant_id, run.run_id, from, run.last_event_at, after.spanId, after.seq, PAGE_ROWS];
    const lines = await scope.read((client) => readLines<EventLine>(client, 'queries/cli/event_lines', values));
    rowCount += lines.length;
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    const last = lines.at(-1);
    if (last === undefined || lines.length < PAGE_ROWS) break;
    from = last.ts;
    after = { spanId: last.span_id, seq: last.seq };
  }
  return rowCount;
}
