/** `runledger tenant sql-login`: a login for BI tools that reads one tenant, whatever it sets. */

import type { Command } from 'commander';
import { askStore } from '../serve/admin.ts';
import { type BiLoginRequest, dropBiLogin, MayNotMakeRoles, makeBiLogin } from '../store/bi_logins.ts';
import { type CliContext, parseId } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { loginName } from './login_name.ts';
import { requireTenant } from './tenant_ref.ts';

interface SqlLoginOptions {
  drop?: boolean;
  login?: string;
  connections: string;
  json?: boolean;
}

export function registerSqlLogin(tenant: Command, context: CliContext): void {
  tenant
    .command('sql-login')
    .description('make a database login for BI tools that reads this tenant alone; again: a new password')
    .argument('<tenant>', 'number or name')
    .option('--drop', 'remove it')
    .option('--login <name>', 'runledger_bi_..., where one cluster holds several ledgers')
    .option('--connections <n>', 'how many it may open', '5')
    .option('--json', 'print {login, password, tenant_id, url}')
    .action((ref: string, options: SqlLoginOptions, command: Command) =>
      withDatabase(command, context, async (database) => {
        const tenantId = await requireTenant(database.pool('runledger_operator'), ref);
        const request = {
          databaseUrl: database.databaseUrl,
          tenantId,
          login: options.login,
          connections: parseId(options.connections, 'The number of connections', 1000),
          by: loginName(),
        };
        await askRoles(() => (options.drop === true ? drop : make)(request, options, context));
      }),
    );
}

async function make(request: BiLoginRequest, options: SqlLoginOptions, { terminal }: CliContext): Promise<void> {
  const made = await askStore(() => makeBiLogin(request));
  if (options.json === true) terminal.printJson({ ...made, tenant_id: request.tenantId });
  else {
    // Only the address goes to stdout, so that it can be handed on as it is.
    terminal.print(made.url);
    terminal.remark(
      `Login ${made.login} reads tenant ${request.tenantId} alone; its password is shown this once and kept nowhere`,
    );
  }
}

async function drop(request: BiLoginRequest, options: SqlLoginOptions, { terminal }: CliContext): Promise<void> {
  const dropped = await askStore(() => dropBiLogin(request));
  const login = request.login ?? `runledger_bi_${request.tenantId}`;
  if (!dropped) throw new CliError(EXIT.no, `Tenant ${request.tenantId} has no BI login ${login} in this database`);
  if (options.json === true) terminal.printJson({ login, tenant_id: request.tenantId, dropped: true });
  else terminal.print(`${login} is gone`);
}

/** Where roles may not be made or dropped, ends with the SQL for an administrator. */
export async function askRoles(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof MayNotMakeRoles) throw new CliError(EXIT.no, `${error.message}\n\n${error.sql}`);
    throw error;
  }
}
