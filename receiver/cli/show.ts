/** `runledger show RUN`: one run on one page. */

import type { Command } from 'commander';
import { operatorScope } from '../serve/access.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { renderRunPage } from './page.ts';
import { readRunPage } from './run_data.ts';
import { storedRef } from './stored_ref.ts';

interface ShowOptions {
  tenant?: string;
  json?: boolean;
}

export const registerShow: Register = (program, context) => {
  program
    .command('show')
    .description('one run: stages, failures, vendors, cost, metrics, completeness')
    .argument('<run>', 'run id or run key')
    .option('--tenant <id or name>', 'whose run, where several tenants have one of this name')
    .option('--json', 'print {"run", "stats", "metrics", "failures", "links"}')
    .addHelpText('after', examples('runledger show 2026-11-22-nightly', 'runledger show 4711 --tenant 7 --json'))
    .action(async (ref: string, options: ShowOptions, command: Command) => {
      const data = await withDatabase(command, context, async (database) => {
        const scope = operatorScope(database.pool('runledger_operator'));
        const stored = await storedRef(database, ref);
        return scope.read((client) => readRunPage(client, stored, options.tenant, database.config.jaegerUiUrl));
      });
      const { terminal } = context;
      if (options.json === true) terminal.printJson(data);
      else terminal.print(renderRunPage(data, { ...terminal, nowMs: Date.now() }));
    });
};
