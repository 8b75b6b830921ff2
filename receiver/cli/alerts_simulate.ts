/** `runledger alerts simulate`: what the rules would have said of the past, or of a made-up night in which everything goes wrong. */

import type { Command } from 'commander';
import type { AlertMessage } from '../derive/alerts/finding.ts';
import { ScenarioError, simulateScenario } from '../derive/alerts/scenario.ts';
import { readHistoryBounds, SimulateError, type Simulation, simulate } from '../derive/alerts/simulate.ts';
import { check, tenantRefParam, time } from '../serve/input.ts';
import { type CliContext, examples } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH, formatCount, formatTime } from './format.ts';
import { parsePeriod } from './period.ts';
import { findTenant } from './run_data.ts';
import type { Style } from './style.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface SimulateFlags {
  from?: string;
  to?: string;
  tenant?: string;
  rule?: string;
  step: string;
  scenario?: boolean;
  messages?: boolean;
  json?: boolean;
}

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 7;
const BAR_WIDTH = 24;

export function addSimulate(alerts: Command, context: CliContext): void {
  alerts
    .command('simulate')
    .description('what the rules as they are now would have said of the past; nothing is written or sent')
    .option('--from <time>', `as 2026-11-01 or 2026-11-01T02:00:00Z; ${DEFAULT_DAYS} days before the last run`)
    .option('--to <time>', 'an hour after the last sign of any run')
    .option('--tenant <id or name>', 'of one tenant')
    .option('--rule <rule or code>', 'one rule, as crawl_error_rate or CR-02')
    .option('--step <time>', 'look at least this often, as sweeps of a live ledger do every 5m', '1h')
    .option('--scenario', 'try them on a made-up night in which every rule goes wrong, in a scratch database')
    .option('--messages', 'print each message in full')
    .option('--json', 'print {from, to, sweeps, open, messages, problems}')
    .addHelpText(
      'after',
      examples(
        'runledger alerts simulate',
        'runledger alerts simulate --from 2026-11-01 --rule CR-02 --messages',
        'runledger alerts simulate --scenario',
      ),
    )
    .action(async (flags: SimulateFlags, command: Command) => {
      const { terminal } = context;
      const isScenario = flags.scenario === true;
      const found = await withDatabase(
        command,
        context,
        (database) => (isScenario ? playScenario(flags, database, terminal) : replay(flags, database, terminal)),
        { creates: isScenario },
      );
      terminal.endProgress();
      if (flags.json === true) terminal.printJson(found);
      else if (found === null)
        terminal.print('No runs yet, so nothing to try the rules on. Try: runledger alerts simulate --scenario');
      else show(found, flags, terminal);
    });
}

type Shown = Simulation & { from: string; to: string };

async function replay(
  flags: SimulateFlags,
  { pool, config }: CommandDatabase,
  terminal: Terminal,
): Promise<Shown | null> {
  const owner = pool('runledger_owner', { statementTimeoutMs: 0 });
  const ref = flags.tenant === undefined ? undefined : check(tenantRefParam, flags.tenant, 'tenant');
  const tenantId = await findTenant(owner, ref);
  const bounds = await readHistoryBounds(owner, tenantId);
  if (bounds === null) return null;
  const to = flags.to === undefined ? new Date(bounds.to.getTime() + DAY_MS / 24) : readTime(flags.to, 'to');
  const earliest = Math.max(bounds.from.getTime(), to.getTime() - DEFAULT_DAYS * DAY_MS);
  const from = flags.from === undefined ? new Date(earliest) : readTime(flags.from, 'from');
  if (from >= to) throw new CliError(EXIT.usage, '--from must be before --to');
  const stepMinutes = parsePeriod(flags.step, '--step') / 60_000;
  if (stepMinutes < 5)
    throw new CliError(EXIT.usage, '--step must be 5m or more: a live ledger looks every five minutes');
  const links = { publicUrl: config.publicUrl, jaegerUiUrl: config.jaegerUiUrl };
  const onProgress = (done: number, total: number) => showProgress(terminal, 'trying the rules', done, total);
  const options = { from, to, tenantId, rule: flags.rule ?? null, stepMinutes, links, onProgress };
  try {
    return { from: from.toISOString(), to: to.toISOString(), ...(await simulate(owner, options)) };
  } catch (error) {
    throw error instanceof SimulateError ? new CliError(EXIT.usage, error.message, { cause: error }) : error;
  }
}

async function playScenario(
  flags: SimulateFlags,
  { databaseUrl, config }: CommandDatabase,
  terminal: Terminal,
): Promise<Shown> {
  const other = [flags.from, flags.to, flags.tenant, flags.rule].some((flag) => flag !== undefined);
  if (other)
    throw new CliError(
      EXIT.usage,
      '--scenario has a time and tenants of its own: leave --from, --to, --tenant and --rule out',
    );
  const links = { publicUrl: config.publicUrl, jaegerUiUrl: config.jaegerUiUrl };
  try {
    return await simulateScenario({
      databaseUrl,
      links,
      onProgress: (what, done, total) => showProgress(terminal, what, done, total),
    });
  } catch (error) {
    throw error instanceof ScenarioError ? new CliError(EXIT.no, error.message, { cause: error }) : error;
  }
}

function readTime(text: string, name: string): Date {
  return new Date(check(time, text, name));
}

function showProgress(terminal: Terminal, what: string, done: number, total: number): void {
  const filled = Math.round((done / Math.max(1, total)) * BAR_WIDTH);
  terminal.progress(
    `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${what}, ${formatCount(done)} of ${formatCount(total)}`,
  );
}

function show({ messages, open, sweeps, problems, from, to }: Shown, flags: SimulateFlags, terminal: Terminal): void {
  for (const { rule, problem } of problems) terminal.print(`${rule} is not judged: ${problem}`);
  const period = `${formatTime(from).slice(0, 16)} to ${formatTime(to).slice(0, 16)} UTC`;
  if (messages.length === 0) {
    terminal.print(`Nothing would have fired from ${period}, looked at ${formatCount(sweeps)} times`);
    return;
  }
  if (flags.messages === true) for (const message of messages) terminal.print(fullMessage(message, terminal.style));
  else terminal.print(renderTable(messageColumns(terminal.style), messages, terminal));
  const counts = (['fired', 'escalated', 'reminder', 'resolved'] as const)
    .map((event) => [event, messages.filter((message) => message.event === event).length] as const)
    .filter(([, count]) => count > 0)
    .map(([event, count]) => `${formatCount(count)} ${event}`);
  terminal.print(
    `\n${counts.join(', ')}, ${formatCount(open)} open at the end; ${period}, looked at ${formatCount(sweeps)} times`,
  );
  if (flags.messages !== true) terminal.remark('--messages prints each message in full');
}

/** One message as it would be read, with its links. */
export function fullMessage(message: AlertMessage, style: Style): string {
  const { links } = message;
  const lines = [
    `${style.dim(formatTime(message.event_at))}  ${paintEvent(style, message)}  ${style.bold(message.title)}`,
    `  ${message.text}`,
    `  runbook   ${links.runbook}`,
    ...(links.run === null ? [] : [`  run       ${links.run}`]),
    ...(links.jaeger === null ? [] : [`  Jaeger    ${links.jaeger}`]),
    ...(links.langsmith === null ? [] : [`  LangSmith ${links.langsmith}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function paintEvent(style: Style, { event, severity }: AlertMessage, text: string = event): string {
  if (event === 'resolved') return style.good(text);
  return severity === 'page' ? style.bad(text) : style.warn(text);
}

function messageColumns(style: Style): Column<AlertMessage>[] {
  return [
    { title: 'at (UTC)', value: (m) => formatTime(m.event_at).slice(0, 16) },
    { title: 'event', value: (m) => m.event, paint: (text, m) => paintEvent(style, m, text) },
    { title: 'severity', value: (m) => m.severity, leaves: 4 },
    { title: 'what', value: (m) => m.title, shrinksTo: 30 },
    {
      title: 'tenant',
      value: (m) => (m.tenant_id === 0 ? 'all' : (m.tenant_name ?? String(m.tenant_id))),
      shrinksTo: 6,
    },
    { title: 'pipeline', value: (m) => (m.pipeline === '' ? DASH : m.pipeline), shrinksTo: 8, leaves: 2 },
    {
      title: 'run',
      value: (m) => m.run?.run_key ?? (m.run === null ? DASH : String(m.run.run_id)),
      shrinksTo: 12,
      leaves: 3,
    },
  ];
}
