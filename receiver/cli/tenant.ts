/** `runledger tenant list|add|disable|enable|rename|quota`: the register of tenants. */

import type { Command } from 'commander';
import type pg from 'pg';
import { recordAct } from '../derive/alerts/acts.ts';
import { askStore, registerTenant, tenantRecord } from '../serve/admin.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import type { TenantLine } from '../serve/shape_admin.ts';
import { disableTenant, enableTenant, listTenants, renameTenant } from '../store/tenants.ts';
import { type CliContext, examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { registerErase } from './erase.ts';
import { DASH, formatTime } from './format.ts';
import { loginName } from './login_name.ts';
import { registerSqlLogin } from './sql_login.ts';
import { renderTable } from './table.ts';
import { registerTenantQuota } from './tenant_quota.ts';
import { requireTenant } from './tenant_ref.ts';

interface JsonOption {
  json?: boolean;
}

export const registerTenantCommands: Register = (program, context) => {
  const tenant = program
    .command('tenant')
    .description('list, add, disable, enable, rename or erase tenants, limit them, and make BI logins')
    .addHelpText(
      'after',
      examples(
        'runledger tenant add acme',
        'runledger tenant list',
        'runledger tenant disable acme',
        'runledger tenant quota acme --spans-per-second 500',
        'runledger tenant sql-login acme',
      ),
    );

  tenant
    .command('list')
    .description('all tenants')
    .option('--json', 'print a list of {tenant_id, name, status, created_at}')
    .action((options: JsonOption, command: Command) =>
      withOperators(command, context, (pool) => list(pool, options, context)),
    );

  tenant
    .command('add')
    .description('register a tenant; one that is there already is left as it is')
    .argument('<tenant>', 'a number below 1073741824, or a name such as acme, which gets a number')
    .option('--json', 'print {tenant_id, name, status, created_at}')
    .action((ref: string, options: JsonOption, command: Command) =>
      withOperators(command, context, async (pool) => {
        const tenantId = await registerTenant(pool, check(tenantRefParam, ref, 'tenant'));
        await record(pool, 'tenant_add', tenantId);
        await say(pool, tenantId, 'is registered', options, context);
      }),
    );

  tenant
    .command('disable')
    .description('refuse its spans and tokens from now on; its data stays')
    .argument('<tenant>', 'number or name')
    .option('--json', 'print {tenant_id, name, status, created_at}')
    .action((ref: string, options: JsonOption, command: Command) =>
      withOperators(command, context, async (pool) => {
        const tenantId = await requireTenant(pool, ref);
        await disableTenant(pool, tenantId);
        await record(pool, 'tenant_disable', tenantId);
        await say(pool, tenantId, 'is disabled: its spans and tokens are refused within 5 s', options, context);
      }),
    );

  tenant
    .command('enable')
    .description('take disable back')
    .argument('<tenant>', 'number or name')
    .option('--json', 'print {tenant_id, name, status, created_at}')
    .action((ref: string, options: JsonOption, command: Command) =>
      withOperators(command, context, async (pool) => {
        const tenantId = await requireTenant(pool, ref);
        await enableTenant(pool, tenantId);
        await record(pool, 'tenant_enable', tenantId);
        await say(pool, tenantId, 'is active', options, context);
      }),
    );

  tenant
    .command('rename')
    .description('give a tenant another name; its number stays')
    .argument('<tenant>', 'number or name')
    .argument('<name>', 'the new name')
    .option('--json', 'print {tenant_id, name, status, created_at}')
    .action((ref: string, name: string, options: JsonOption, command: Command) =>
      withOperators(command, context, async (pool) => {
        const tenantId = await requireTenant(pool, ref);
        await askStore(() => renameTenant(pool, tenantId, name));
        await record(pool, 'tenant_rename', tenantId, { to: name });
        await say(pool, tenantId, `is now called ${name}`, options, context);
      }),
    );

  registerTenantQuota(tenant, context);
  registerSqlLogin(tenant, context);
  registerErase(tenant, context);
};

function withOperators(command: Command, context: CliContext, work: (pool: pg.Pool) => Promise<void>): Promise<void> {
  return withDatabase(command, context, (database) => work(database.pool('runledger_operator')), { creates: true });
}

function record(pool: pg.Pool, act: string, tenantId: number, details: object | null = null): Promise<void> {
  const line = { tenantId, actor: loginName(), act, object: `tenant ${tenantId}`, reason: null, details };
  return recordAct(pool, line, new Date());
}

async function say(
  pool: pg.Pool,
  tenantId: number,
  what: string,
  options: JsonOption,
  context: CliContext,
): Promise<void> {
  const line = (await listTenants(pool)).map(tenantRecord).find((one) => one.tenant_id === tenantId);
  if (options.json === true) context.terminal.printJson(line ?? null);
  else context.terminal.print(`Tenant ${tenantId}${line?.name == null ? '' : ` (${line.name})`} ${what}`);
}

async function list(pool: pg.Pool, options: JsonOption, { terminal }: CliContext): Promise<void> {
  const lines = (await listTenants(pool)).map(tenantRecord);
  if (options.json === true) terminal.printJson(lines);
  else if (lines.length === 0) terminal.print('No tenants yet. Add one: runledger tenant add acme');
  else {
    const columns = [
      { title: 'tenant', value: (t: TenantLine) => String(t.tenant_id), align: 'right' as const },
      { title: 'name', value: (t: TenantLine) => t.name ?? DASH, shrinksTo: 10 },
      { title: 'status', value: (t: TenantLine) => t.status },
      { title: 'since (UTC)', value: (t: TenantLine) => formatTime(t.created_at), leaves: 1 },
    ];
    terminal.print(renderTable(columns, lines, terminal));
  }
}
