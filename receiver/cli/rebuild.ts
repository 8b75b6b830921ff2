/** `runledger rebuild`: writes counters again from their events. Ingest may go on meanwhile. */

import type { Command } from 'commander';
import { type RebuildChange, type RebuildResult, rebuild } from '../derive/rebuild.ts';
import { chooseRuns } from './audit.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { DASH, formatCount } from './format.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface RebuildOptions {
  run?: string;
  tenant?: string;
  json?: boolean;
}

const CHANGES_SHOWN = 20;

export const registerRebuild: Register = (program, context) => {
  program
    .command('rebuild')
    .description('write counters again from the events')
    .option('--run <run>', 'only this run (id or key)')
    .option('--tenant <id or name>', 'only this tenant')
    .option('--json', 'print {"runs_rebuilt", "runs_refused", "changes"}')
    .addHelpText('after', examples('runledger rebuild', 'runledger rebuild --tenant 7', 'runledger rebuild --run 4711'))
    .action(async (options: RebuildOptions, command: Command) => {
      const { terminal } = context;
      const result = await withDatabase(command, context, async (database) => {
        const chosen = await chooseRuns(database, options);
        return rebuild(database.pool('runledger_owner'), {
          ...chosen,
          onProgress: (runsDone) => terminal.progress(`${formatCount(runsDone)} runs done`),
        });
      });
      terminal.endProgress();
      if (options.json === true) terminal.printJson(result);
      else printRebuild(result, terminal);
    });
};

function printRebuild({ runs_rebuilt, runs_refused, changes }: RebuildResult, terminal: Terminal): void {
  const kept =
    runs_refused === 0
      ? ''
      : `; ${formatCount(runs_refused)} left as they are, because a part of their events is past retention`;
  const found = changes.length === 0 ? 'all were right' : `${formatCount(changes.length)} rows changed`;
  terminal.print(`${formatCount(runs_rebuilt)} ${runs_rebuilt === 1 ? 'run' : 'runs'} rebuilt, ${found}${kept}`);
  if (changes.length === 0) return;
  const columns = [
    { title: 'tenant', value: (c: RebuildChange) => String(c.tenant_id), align: 'right' as const },
    { title: 'run', value: (c: RebuildChange) => String(c.run_id), align: 'right' as const },
    { title: 'table', value: (c: RebuildChange) => c.what },
    { title: 'of', value: (c: RebuildChange) => c.name || DASH, shrinksTo: 10 },
    { title: 'change', value: (c: RebuildChange) => c.change },
  ];
  terminal.print(renderTable(columns, changes.slice(0, CHANGES_SHOWN), terminal));
  if (changes.length > CHANGES_SHOWN)
    terminal.print(`and ${formatCount(changes.length - CHANGES_SHOWN)} more; --json has all`);
}
