/** `runledger audit`: counts every counter again from the events. Exit code 0: all equal; 1: something differs. */

import type { Command } from 'commander';
import { type AuditDifference, type AuditResult, audit } from '../derive/audit.ts';
import { operatorScope } from '../serve/access.ts';
import { readRun } from '../serve/read.ts';
import { examples, type Register } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { EXIT } from './exit.ts';
import { DASH, formatCount } from './format.ts';
import { findTenant } from './run_data.ts';
import { storedRef } from './stored_ref.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface AuditOptions {
  run?: string;
  tenant?: string;
  json?: boolean;
}

export const registerAudit: Register = (program, context) => {
  program
    .command('audit')
    .description('count every counter again from the events; exit code 1 when one differs')
    .option('--run <run>', 'only this run (id or key)')
    .option('--tenant <id or name>', 'only this tenant')
    .option('--json', 'print {"difference", "runs_checked", "runs_sealed", "sealed_difference", "differences"}')
    .addHelpText('after', examples('runledger audit', 'runledger audit --run 2026-11-22-nightly --json'))
    .action(async (options: AuditOptions, command: Command) => {
      const { terminal } = context;
      const result = await withDatabase(command, context, async (database) => {
        const chosen = await chooseRuns(database, options);
        terminal.progress('counting the events again');
        return audit(database.pool('runledger_owner'), chosen);
      });
      terminal.endProgress();
      if (options.json === true) terminal.printJson(result);
      else printAudit(result, terminal);
      if (result.difference + result.sealed_difference > 0) process.exitCode = EXIT.no;
    });
};

/** Numbers for what the person named, the run's tenant included. */
export async function chooseRuns(
  database: CommandDatabase,
  options: { run?: string; tenant?: string },
): Promise<{ tenantId?: number; runId?: number }> {
  if (options.run === undefined && options.tenant === undefined) return {};
  return operatorScope(database.pool('runledger_operator')).read(async (client) => {
    const tenantId = await findTenant(client, options.tenant);
    if (options.run === undefined) return tenantId === null ? {} : { tenantId };
    const run = await readRun(client, await storedRef(database, options.run), tenantId);
    return { tenantId: run.tenant_id, runId: run.run_id };
  });
}

function printAudit(result: AuditResult, terminal: Terminal): void {
  const { style } = terminal;
  const sealed =
    result.runs_sealed === 0 ? '' : `, ${formatCount(result.runs_sealed)} sealed runs compared with their checksum`;
  const checked = `${formatCount(result.runs_checked)} ${result.runs_checked === 1 ? 'run' : 'runs'} recounted${sealed}`;
  const total = result.difference + result.sealed_difference;
  if (total === 0) {
    terminal.print(`${style.good('difference 0')}  ${checked}: every counter is the sum of its events`);
    return;
  }
  terminal.print(`${style.bad(`difference ${formatCount(total)}`)}  ${checked}`);
  const columns = [
    { title: 'tenant', value: (d: AuditDifference) => String(d.tenant_id), align: 'right' as const },
    { title: 'run', value: (d: AuditDifference) => String(d.run_id), align: 'right' as const },
    { title: 'table', value: (d: AuditDifference) => d.what },
    { title: 'of', value: (d: AuditDifference) => d.name || DASH, shrinksTo: 10 },
    { title: 'column', value: (d: AuditDifference) => d.column },
    { title: 'events say', value: (d: AuditDifference) => d.counted ?? DASH, align: 'right' as const },
    { title: 'table says', value: (d: AuditDifference) => d.stored ?? DASH, align: 'right' as const },
  ];
  if (result.differences.length > 0) terminal.print(renderTable(columns, result.differences, terminal));
  if (result.difference > 0) terminal.print('`runledger rebuild` writes the counters again from the events');
  if (result.sealed_difference > 0)
    terminal.print(
      `sealed runs whose counters changed after their events were dropped: ${formatCount(result.sealed_difference)}`,
    );
}
