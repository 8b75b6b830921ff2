/** `runledger alerts test`: one real message to the channels, through the outbox, and what became of it. */

import type { Command } from 'commander';
import { sendTest, type TestedChannel } from '../derive/alerts/test_message.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import { type CliContext, examples } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH } from './format.ts';
import { findTenant } from './run_data.ts';
import { renderTable } from './table.ts';

interface TestFlags {
  channel?: string;
  tenant?: string;
  json?: boolean;
}

export function addTest(alerts: Command, context: CliContext): void {
  alerts
    .command('test')
    .description('send one message that says nothing is wrong; exit code 1 when a channel did not take it')
    .option('--channel <name>', 'to this channel alone; otherwise to all that are enabled')
    .option('--tenant <id or name>', 'to channels of this tenant')
    .option('--json', 'print a list of {tenant_id, channel, state, attempts, last_error}')
    .addHelpText('after', examples('runledger alerts test', 'runledger alerts test --channel ops'))
    .action(async (flags: TestFlags, command: Command) => {
      const { terminal } = context;
      const tested = await withDatabase(command, context, async ({ pool, config }) => {
        const owner = pool('runledger_owner');
        const ref = flags.tenant === undefined ? undefined : check(tenantRefParam, flags.tenant, 'tenant');
        const say = (_: object, message: string) => terminal.remark(message);
        return sendTest(owner, {
          tenantId: (await findTenant(owner, ref)) ?? null,
          channel: flags.channel ?? null,
          links: { publicUrl: config.publicUrl, jaegerUiUrl: config.jaegerUiUrl },
          log: { info: say, warn: say, error: say },
        });
      });
      if (tested.length === 0)
        throw new CliError(
          EXIT.no,
          'There is no such enabled channel\nRun: runledger channel list, or runledger channel add --help',
        );
      if (flags.json === true) terminal.printJson(tested);
      else terminal.print(renderTable(columns(context), tested, terminal));
      if (tested.some(({ state }) => state !== 'sent')) process.exitCode = EXIT.no;
    });
}

function columns({ terminal: { style } }: CliContext) {
  return [
    { title: 'channel', value: (t: TestedChannel) => t.channel },
    { title: 'of tenant', value: (t: TestedChannel) => (t.tenant_id === 0 ? 'all' : String(t.tenant_id)) },
    {
      title: 'state',
      value: (t: TestedChannel) => (t.state === 'pending' && t.attempts > 0 ? 'failed, will be tried again' : t.state),
      paint: (text: string, t: TestedChannel) => (t.state === 'sent' ? style.good(text) : style.bad(text)),
    },
    { title: 'error', value: (t: TestedChannel) => t.last_error ?? DASH },
  ];
}
