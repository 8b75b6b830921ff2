/** `runledger tenant quota`: what a tenant may take of what all share and what it takes; with options, sets it. */

import type { Command } from 'commander';
import type pg from 'pg';
import { recordAct } from '../derive/alerts/acts.ts';
import { changesOf, readTenantQuota } from '../serve/quotas.ts';
import type { TenantQuota } from '../serve/shape_admin.ts';
import { inTransaction } from '../store/pool.ts';
import { QUOTA_NAMES, QUOTA_RANGES, type QuotaLimits, type QuotaName, readQuota, setQuota } from '../store/quotas.ts';
import { type CliContext, examples } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH, formatTime } from './format.ts';
import { loginName } from './login_name.ts';
import { type Column, renderTable } from './table.ts';
import { requireTenant } from './tenant_ref.ts';

const FLAGS: Readonly<Record<QuotaName, string>> = {
  spans_per_second: 'spans and log records that each receiver takes a second',
  burst_spans: 'how many may come at once after a pause',
  open_runs: 'runs that may go on before a new one has to wait',
  stages_per_run: 'stages of a run before further ones count under _other',
  vendors_per_run: 'vendors of a run before further ones count under _other',
  parked_bytes: 'bytes of rows that wait for their run',
};

interface Options extends Record<string, unknown> {
  default?: string[];
  json?: boolean;
}

export function registerTenantQuota(tenant: Command, context: CliContext): void {
  const command = tenant
    .command('quota')
    .description('show what a tenant may take and what it takes, or set it; receivers hold it within 5 s')
    .argument('<tenant>', 'number or name');
  for (const name of QUOTA_NAMES) {
    const { min, max } = QUOTA_RANGES[name];
    command.option(`--${dashed(name)} <n>`, `${FLAGS[name]}, ${min} to ${max}`);
  }
  command
    .option(
      '--default <limit...>',
      `give these limits back their default: ${QUOTA_NAMES.map(dashed).join(', ')}, or all`,
    )
    .option('--json', 'print {tenant_id, limits, set, use, held}')
    .addHelpText(
      'after',
      examples(
        'runledger tenant quota acme',
        'runledger tenant quota acme --spans-per-second 500 --open-runs 20',
        'runledger tenant quota acme --default open-runs',
      ),
    )
    .action((ref: string, options: Options, self: Command) =>
      withDatabase(
        self,
        context,
        async (database) => {
          const pool = database.pool('runledger_operator');
          const wanted = parseChanges(options);
          const tenantId = await requireTenant(pool, ref);
          await change(pool, tenantId, wanted);
          show(await readTenantQuota(pool, tenantId, true), options, context);
        },
        { creates: true },
      ),
    );
}

function dashed(name: string): string {
  return name.replaceAll('_', '-');
}

/** @throws CliError for a limit that is none, or is out of its range */
function parseChanges(options: Options): Partial<QuotaLimits> {
  const changes: Partial<QuotaLimits> = {};
  for (const given of options.default ?? []) {
    const names =
      given === 'all' ? QUOTA_NAMES : QUOTA_NAMES.filter((name) => dashed(name) === given.replaceAll('_', '-'));
    if (names.length === 0) {
      throw new CliError(
        EXIT.usage,
        `--default takes ${QUOTA_NAMES.map(dashed).join(', ')} or all, not "${given.slice(0, 40)}"`,
      );
    }
    for (const name of names) changes[name] = null;
  }
  for (const name of QUOTA_NAMES) {
    const text = options[name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())];
    if (typeof text !== 'string') continue;
    const { min, max } = QUOTA_RANGES[name];
    const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      const message = `--${dashed(name)} must be a whole number from ${min} to ${max}, not "${text.slice(0, 40)}"`;
      throw new CliError(EXIT.usage, message);
    }
    changes[name] = value;
  }
  return changes;
}

async function change(pool: pg.Pool, tenantId: number, changes: Partial<QuotaLimits>): Promise<void> {
  if (Object.keys(changes).length === 0) return;
  await inTransaction(pool, async (client) => {
    const { limits: before } = await readQuota(client, tenantId);
    const after = { ...before, ...changes };
    const details = changesOf(before, after);
    if (details === null) return;
    await setQuota(client, tenantId, after);
    const line = {
      tenantId,
      actor: loginName(),
      act: 'tenant_quota',
      object: `tenant ${tenantId}`,
      reason: null,
      details,
    };
    await recordAct(client, line, new Date());
  });
}

function show(quota: TenantQuota, options: Options, { terminal }: CliContext): void {
  if (options.json === true) {
    terminal.printJson(quota);
    return;
  }
  const columns: Column<QuotaName>[] = [
    { title: 'limit', value: dashed },
    { title: 'is', value: (name) => quota.limits[name]?.toLocaleString('en-US') ?? 'none', align: 'right' },
    { title: 'set', value: (name) => (quota.set.includes(name) ? 'yes' : 'default') },
    { title: 'in use', value: (name) => usedOf(name, quota), align: 'right' },
    { title: 'held today', value: (name) => heldOf(name, quota)?.toLocaleString('en-US') ?? DASH, align: 'right' },
    { title: 'last held (UTC)', value: (name) => formatTime(lastHeld(name, quota)), leaves: 1 },
  ];
  terminal.print(renderTable(columns, QUOTA_NAMES, terminal));
}

function usedOf(name: QuotaName, { use }: TenantQuota): string {
  if (name === 'open_runs') return use.open_runs.toLocaleString('en-US');
  if (name === 'parked_bytes') return use.parked_bytes?.toLocaleString('en-US') ?? DASH;
  return DASH;
}

/** Requests sent back until later today (UTC). */
function heldOf(name: QuotaName, { held }: TenantQuota): number | null {
  const hold = held.find(({ quota }) => quota === name);
  return hold !== undefined && hold.day === new Date().toISOString().slice(0, 10) ? hold.requests : null;
}

function lastHeld(name: QuotaName, { held }: TenantQuota): string | null {
  return held.find(({ quota }) => quota === name)?.last_at ?? null;
}
