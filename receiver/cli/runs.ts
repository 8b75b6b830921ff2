/** `runledger runs`: the newest runs, one a line. */

import type { Command } from 'commander';
import { operatorScope } from '../serve/access.ts';
import { check, runsQuery } from '../serve/input.ts';
import { readRuns } from '../serve/read.ts';
import type { ListedRun } from '../serve/shape.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { DASH, formatAgo, formatCount, formatDuration, formatTime, formatUsd } from './format.ts';
import { findTenant } from './run_data.ts';
import { paintStatus, type Style } from './style.ts';
import { type Column, renderTable } from './table.ts';

interface RunsOptions {
  tenant?: string;
  pipeline?: string;
  status?: string;
  from?: string;
  to?: string;
  limit: string;
  cursor?: string;
  json?: boolean;
}

export const registerRuns: Register = (program, context) => {
  program
    .command('runs')
    .description('list runs, newest first')
    .option('--tenant <id or name>', 'of one tenant')
    .option('--pipeline <name>', 'of one pipeline')
    .option('--status <status>', 'running, succeeded, failed, cancelled or abandoned')
    .option('--from <time>', 'started at or after, as 2026-11-22 or 2026-11-22T01:30:00Z')
    .option('--to <time>', 'started before')
    .option('--limit <n>', 'how many, up to 200', '20')
    .option('--cursor <cursor>', 'go on behind an earlier page')
    .option('--json', 'print {"runs": [...], "next_cursor": ...}')
    .addHelpText('after', examples('runledger runs', 'runledger runs --status failed --from 2026-11-01'))
    .action(async ({ json, ...options }: RunsOptions, command: Command) => {
      const { tenant, ...filter } = check(runsQuery, options);
      const page = await withDatabase(command, context, (database) => {
        return operatorScope(database.pool('runledger_operator')).read(async (client) => {
          return readRuns(client, { ...filter, tenantId: await findTenant(client, tenant) });
        });
      });
      const { terminal } = context;
      if (json === true) terminal.printJson(page);
      else if (page.runs.length === 0) terminal.print(describeNothing(options));
      else {
        terminal.print(renderTable(runColumns(terminal.style, Date.now()), page.runs, terminal));
        if (page.next_cursor !== null) terminal.remark(`There are more: runledger runs --cursor ${page.next_cursor}`);
      }
    });
};

function describeNothing(options: Omit<RunsOptions, 'json'>): string {
  const filtered = Object.keys(options).some((name) => name !== 'limit');
  if (filtered) return 'No run matches';
  return 'No runs yet. `runledger demo` makes some; `runledger start` and an instrumented pipeline make yours';
}

/** The columns of a list of runs. */
export function runColumns(style: Style, nowMs: number): Column<ListedRun>[] {
  return [
    { title: 'run', value: (r) => r.run_key ?? String(r.run_id), shrinksTo: 30 },
    { title: 'tenant', value: (r) => r.tenant_name ?? String(r.tenant_id), shrinksTo: 6 },
    { title: 'pipeline', value: (r) => r.pipeline ?? DASH, shrinksTo: 10, leaves: 2 },
    {
      title: 'status',
      value: (r) => (r.degraded ? `${r.status}, degraded` : r.status),
      paint: (text, r) => paintStatus(style, r.degraded && r.status === 'succeeded' ? 'cancelled' : r.status, text),
    },
    { title: 'started (UTC)', value: (r) => formatTime(r.started_at), leaves: 3 },
    { title: '', value: (r) => (r.started_at === null ? '' : formatAgo(r.started_at, nowMs)), leaves: 5 },
    { title: 'took', value: (r) => formatDuration(r.duration_ms), align: 'right' },
    {
      title: 'errors',
      value: (r) => (r.stage_errors === 0 ? DASH : formatCount(r.stage_errors)),
      align: 'right',
      paint: (text, r) => (r.stage_errors > 0 ? style.bad(text) : style.dim(text)),
    },
    { title: 'cost', value: (r) => formatUsd(r.cost_usd, r.cost_complete), align: 'right', leaves: 1 },
    {
      title: 'books',
      value: (r) => (r.complete === null ? DASH : r.complete ? 'complete' : 'gaps'),
      paint: (text, r) => (r.complete === false ? style.bad(text) : style.dim(text)),
      leaves: 4,
    },
  ];
}
