/** `runledger show RUN`: one run on one page. */

import type { Command } from 'commander';
import { operatorScope, type Queryable } from '../serve/access.ts';
import { readRuns } from '../serve/read.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { renderRunPage } from './page.ts';
import { findTenant, readRunPage } from './run_data.ts';
import { storedRef } from './stored_ref.ts';

interface ShowOptions {
  tenant?: string;
  json?: boolean;
}

export const registerShow: Register = (program, context) => {
  program
    .command('show')
    .description('one run: stages, failures, vendors, cost, metrics, completeness')
    .argument('[run]', 'run id or run key; without one the run that started last')
    .option('--tenant <id or name>', 'whose run, where several tenants have one of this name')
    .option('--json', 'print {"run", "stats", "metrics", "failures", "links"}')
    .addHelpText(
      'after',
      examples('runledger show', 'runledger show 2026-11-22-nightly', 'runledger show 4711 --tenant 7 --json'),
    )
    .action(async (ref: string | undefined, options: ShowOptions, command: Command) => {
      const data = await withDatabase(command, context, async (database) => {
        const scope = operatorScope(database.pool('runledger_operator'));
        const { jaegerUiUrl } = database.config;
        if (ref === undefined) return scope.read((client) => readNewest(client, options.tenant, jaegerUiUrl));
        const stored = await storedRef(database, ref);
        return scope.read((client) => readRunPage(client, stored, options.tenant, jaegerUiUrl));
      });
      const { terminal } = context;
      if (options.json === true) terminal.printJson(data);
      else terminal.print(renderRunPage(data, { ...terminal, nowMs: Date.now() }));
    });
};

async function readNewest(client: Queryable, tenant: string | undefined, jaegerUiUrl: string | null) {
  const { runs } = await readRuns(client, { tenantId: await findTenant(client, tenant), limit: 1 });
  const [run] = runs;
  if (run === undefined) throw new CliError(EXIT.no, 'There is no run yet');
  return readRunPage(client, String(run.run_id), String(run.tenant_id), jaegerUiUrl);
}
