/** `runledger tenant erase`: takes away what says who an item or a tenant is, and keeps every count. */

import type { Command } from 'commander';
import { askStore } from '../serve/admin.ts';
import { dropErasedLogins } from '../store/bi_logins.ts';
import { type Erased, type ErasedTenant, eraseItem, eraseTenant } from '../store/erase.ts';
import type { CliContext } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { formatCount } from './format.ts';
import { loginName } from './login_name.ts';
import { askRoles } from './sql_login.ts';
import { requireTenant } from './tenant_ref.ts';

interface EraseOptions {
  item?: string;
  yes?: boolean;
  json?: boolean;
}

export function registerErase(tenant: Command, context: CliContext): void {
  tenant
    .command('erase')
    .description('take away what says who its items and runs are, or one item; rows and counters stay')
    .argument('<tenant>', 'number or name; disabled, unless only an item is erased')
    .option('--item <id or text>', 'only this item')
    .option('--yes', 'needed, because nothing brings it back')
    .option('--json', 'print {events, qa_samples, parked, runs}, and sql_logins of a tenant')
    .action(async (ref: string, options: EraseOptions, command: Command) => {
      if (options.yes !== true) {
        const what = options.item === undefined ? 'all items and runs of the tenant' : 'the item';
        throw new CliError(EXIT.usage, `This erases ${what} for good, backups aside\nAdd --yes to go on`);
      }
      await withDatabase(command, context, async (database) => {
        const tenantId = await requireTenant(database.pool('runledger_operator'), ref);
        const owner = database.pool('runledger_owner', { statementTimeoutMs: 0 });
        const { item } = options;
        const erased = await askStore<Erased | ErasedTenant>(() =>
          item === undefined
            ? eraseTenant(owner, tenantId, loginName())
            : eraseItem(owner, tenantId, item, loginName()),
        );
        // Said before the roles are dropped: what is erased is erased, whether or not they may be.
        if (options.json === true) context.terminal.printJson(erased);
        else context.terminal.print(describe(erased));
        if ('sql_logins' in erased) await dropLogins(database.databaseUrl, erased.sql_logins, options, context);
      });
    });
}

async function dropLogins(
  databaseUrl: string,
  logins: readonly string[],
  { json }: EraseOptions,
  { terminal }: CliContext,
): Promise<void> {
  if (logins.length === 0) return;
  await askRoles(() => dropErasedLogins(databaseUrl, logins));
  if (json !== true) terminal.print(`Its BI logins are gone: ${logins.join(', ')}`);
}

function describe({ events, qa_samples, parked, runs }: Erased): string {
  const lines = [
    `${formatCount(events)} events, ${formatCount(qa_samples)} QA samples and ${formatCount(runs)} runs no longer say who they are about`,
  ];
  if (parked > 0) lines.push(`${formatCount(parked)} rows that waited for their run were taken away`);
  return [...lines, 'Backups, Jaeger and LangSmith keep what they have: erase there too'].join('\n');
}
