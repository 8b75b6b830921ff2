/** `runledger alerts`: what is wrong now, what people say to it, and what the rules would have said of the past. */

import type { Command } from 'commander';
import { acknowledge, type ListedAlert, listAlerts, snooze } from '../derive/alerts/acts.ts';
import { headlineOf } from '../derive/alerts/message_words.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import { addSimulate } from './alerts_simulate.ts';
import { addTest } from './alerts_test.ts';
import { type CliContext, examples, parseId, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH, formatAgo, formatTime } from './format.ts';
import { loginName } from './login_name.ts';
import { parsePeriod } from './period.ts';
import { findTenant } from './run_data.ts';
import type { Style } from './style.ts';
import { type Column, renderTable } from './table.ts';

const LISTED_MOST = 1_000;
const SNOOZE_MOST_MS = 30 * 86_400_000;

interface ListOptions {
  tenant?: string;
  all?: boolean;
  limit: string;
  json?: boolean;
}

interface ActOptions {
  by: string;
  note?: string;
  for: string;
  json?: boolean;
}

export const registerAlerts: Register = (program, context) => {
  const alerts = program
    .command('alerts')
    .description('list alerts, acknowledge or snooze one, try rules on the past, test a channel')
    .addHelpText(
      'after',
      examples(
        'runledger alerts list',
        'runledger alerts ack 12 --note "vendor is on it"',
        'runledger alerts simulate',
      ),
    );
  addList(alerts, context);
  addActs(alerts, context);
  addSimulate(alerts, context);
  addTest(alerts, context);
};

function addList(alerts: Command, context: CliContext): void {
  alerts
    .command('list')
    .description('what is wrong now; with --all also what is over')
    .option('--tenant <id or name>', 'of one tenant')
    .option('--all', 'resolved ones too')
    .option('--limit <n>', `how many, up to ${LISTED_MOST}`, '50')
    .option('--json', 'print a list of alerts')
    .action(async (options: ListOptions, command: Command) => {
      const limit = parseId(options.limit, '--limit', LISTED_MOST);
      const found = await withDatabase(command, context, async (database) => {
        const pool = database.pool('runledger_operator');
        const ref = options.tenant === undefined ? undefined : check(tenantRefParam, options.tenant, 'tenant');
        const tenantId = await findTenant(pool, ref);
        return listAlerts(pool, { tenantId, withResolved: options.all === true, limit });
      });
      const { terminal } = context;
      if (options.json === true) terminal.printJson(found);
      else if (found.length === 0)
        terminal.print(options.all === true ? 'No alert has fired yet' : 'Nothing is firing');
      else terminal.print(renderTable(alertColumns(terminal.style, Date.now()), found, terminal));
    });
}

function addActs(alerts: Command, context: CliContext): void {
  const me = loginName();
  alerts
    .command('ack')
    .description('say that somebody looks after an alert: no reminders until it is resolved or gets worse')
    .argument('<alert>', 'number, as in `runledger alerts list`')
    .option('--by <name>', 'who', me)
    .option('--note <text>', 'why, or what is being done')
    .option('--json', 'print {tenant_id, alert_id, code}')
    .action((alert: string, options: ActOptions, command: Command) =>
      actOn(alert, 'is acknowledged', options, command, context, (pool, id, act) => acknowledge(pool, id, act)),
    );
  alerts
    .command('snooze')
    .description('say nothing of an alert for a while, unless it gets worse')
    .argument('<alert>', 'number, as in `runledger alerts list`')
    .option('--for <time>', 'as 90m, 4h or 2d, up to 30d', '4h')
    .option('--by <name>', 'who', me)
    .option('--note <text>', 'why')
    .option('--json', 'print {tenant_id, alert_id, code}')
    .action((alert: string, options: ActOptions, command: Command) => {
      const ms = parsePeriod(options.for, '--for');
      if (ms > SNOOZE_MOST_MS) throw new CliError(EXIT.usage, '--for must be 30d or less');
      const until = new Date(Date.now() + ms);
      const what = `is snoozed until ${formatTime(until.toISOString())} UTC`;
      return actOn(alert, what, options, command, context, (pool, id, act) => snooze(pool, id, until, act));
    });
}

async function actOn(
  alert: string,
  what: string,
  options: ActOptions,
  command: Command,
  context: CliContext,
  act: (...given: Parameters<typeof acknowledge>) => ReturnType<typeof acknowledge>,
): Promise<void> {
  const alertId = parseId(alert, 'The alert');
  const given = { by: options.by, note: options.note ?? null, now: new Date() };
  const acted = await withDatabase(command, context, ({ pool }) => act(pool('runledger_operator'), alertId, given));
  if (acted === null) throw new CliError(EXIT.no, `There is no open alert ${alertId}\nRun: runledger alerts list`);
  if (options.json === true) context.terminal.printJson(acted);
  else context.terminal.print(`Alert ${alertId} (${acted.code}) ${what}`);
}

export function alertColumns(style: Style, nowMs: number): Column<ListedAlert>[] {
  return [
    { title: 'alert', value: (a) => String(a.alert_id), align: 'right' },
    {
      title: 'state',
      value: stateOf,
      paint: (text, a) => (a.state === 'firing' ? style.bad(text) : a.state === 'resolved' ? style.dim(text) : text),
    },
    {
      title: 'severity',
      value: (a) => a.severity,
      paint: (text, a) => (a.severity === 'page' ? style.bad(text) : text),
    },
    { title: 'code', value: (a) => a.code },
    { title: 'what', value: (a) => headlineOf(a, a.subject, a.numbers, a.severity), shrinksTo: 24 },
    { title: 'tenant', value: tenantOf, shrinksTo: 6 },
    { title: 'pipeline', value: (a) => pipelineOf(a), shrinksTo: 10, leaves: 2 },
    {
      title: 'run',
      value: (a) => a.run_key ?? (a.run_id === null ? DASH : String(a.run_id)),
      shrinksTo: 12,
      leaves: 1,
    },
    { title: 'fired (UTC)', value: (a) => formatTime(a.fired_at.toISOString()), leaves: 4 },
    { title: '', value: (a) => formatAgo(a.fired_at.toISOString(), nowMs), leaves: 3 },
  ];
}

function stateOf({ state, acked_by, snoozed_until }: ListedAlert): string {
  if (state === 'acked') return `acked by ${acked_by ?? DASH}`;
  if (state === 'snoozed') return `snoozed to ${formatTime(snoozed_until?.toISOString() ?? null).slice(5, 16)}`;
  return state;
}

function tenantOf({ tenant_id, tenant_name }: ListedAlert): string {
  return tenant_id === 0 ? 'all' : (tenant_name ?? String(tenant_id));
}

function pipelineOf({ pipeline, environment }: ListedAlert): string {
  if (pipeline === '') return DASH;
  return environment === '' ? pipeline : `${pipeline} (${environment})`;
}
