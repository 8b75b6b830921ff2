/** `runledger channel add|list|test|resend|enable|disable|remove`: where alert messages go. Of a channel's URL the host is shown and no more. */

import type { Command } from 'commander';
import type { PoolClient } from 'pg';
import { enableChannel, listChannels, removeChannel } from '../derive/delivery/channels.ts';
import { resendDead } from '../derive/delivery/outbox.ts';
import { tryChannel } from '../derive/delivery/try_channel.ts';
import { askStore } from '../serve/admin.ts';
import { type ChannelLine, channelLine } from '../serve/shape_alerting.ts';
import { inTransaction } from '../store/pool.ts';
import { registerAdd } from './channel_add.ts';
import { noChannel, onName, recordChannelAct, tenantOf } from './channel_name.ts';
import { type CliContext, examples, parseId, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { formatCount, formatTime } from './format.ts';
import { renderTable } from './table.ts';

interface NameOptions {
  tenant?: string;
  json?: boolean;
}

const DAY_MS = 86_400_000;
/** Longer than any record of a message. */
const KEPT_DAYS = 90;

export const registerChannel: Register = (program, context) => {
  const channel = program
    .command('channel')
    .description('where alert messages go: add, list, remove, enable, disable or test channels, resend dead letters')
    .addHelpText(
      'after',
      examples(
        'runledger channel add ops --kind slack --url-file /run/secrets/slack-url',
        'printenv HOOK_URL | runledger channel add hook --kind webhook --tenant acme --url-file -',
        'runledger channel add alertmanager --kind alertmanager --url-file url.txt --allow-private',
        'runledger channel test ops',
        'runledger channel resend ops --days 2',
      ),
    );
  registerAdd(channel, context);
  registerList(channel, context);
  registerTest(channel, context);
  registerResend(channel, context);
  const change = (name: string, what: string, done: string, work: ChangeChannel) =>
    onName(channel.command(name).description(what)).action(
      (channelName: string, options: NameOptions, command: Command) =>
        withDatabase(command, context, async (database) => {
          const tenantId = await tenantOf(database, options.tenant);
          await inTransaction(database.pool('runledger_operator'), async (client) => {
            if (!(await askStore(() => work(client, tenantId, channelName)))) throw noChannel(channelName, tenantId);
            await recordChannelAct(client, `channel_${name}`, { tenantId, channel: channelName });
          });
          if (options.json === true)
            context.terminal.printJson({ tenant_id: tenantId, channel: channelName, [done]: true });
          else context.terminal.print(`Channel ${channelName} is ${done}`);
        }),
    );
  change('remove', 'forget a channel; what waits for it is given up', 'removed', removeChannel);
  change('enable', 'take disable back', 'enabled', (client, tenantId, name) =>
    enableChannel(client, tenantId, name, true),
  );
  change('disable', 'send nothing to it; what waits for it is given up', 'disabled', (client, tenantId, name) =>
    enableChannel(client, tenantId, name, false),
  );
};

type ChangeChannel = (client: PoolClient, tenantId: number, name: string) => Promise<boolean>;

function registerList(channel: Command, context: CliContext): void {
  channel
    .command('list')
    .description('all channels, with the host of each and no more of its URL')
    .option('--json', 'print a list of {tenant_id, channel, kind, host, min_severity, ...}')
    .action((options: { json?: boolean }, command: Command) =>
      withDatabase(command, context, async (database) => {
        const lines = (await listChannels(database.pool('runledger_operator'))).map(channelLine);
        if (options.json === true) context.terminal.printJson(lines);
        else context.terminal.print(renderChannels(lines, context));
      }),
    );
}

function registerTest(channel: Command, context: CliContext): void {
  onName(channel.command('test').description('send one real test message now and say what came back')).action(
    (name: string, options: NameOptions, command: Command) =>
      withDatabase(command, context, async (database) => {
        const tenantId = await tenantOf(database, options.tenant);
        const outcome = await tryChannel(database.pool('runledger_owner'), { tenantId, channel: name });
        if (outcome === null) throw noChannel(name, tenantId);
        const { ok, status } = outcome;
        const failure = outcome.ok ? null : outcome.failure;
        const key = { tenantId, channel: name };
        await recordChannelAct(database.pool('runledger_operator'), 'channel_test', key, { ok, status, failure });
        if (!outcome.ok && options.json !== true)
          throw new CliError(EXIT.no, `Channel ${name} did not take the message: ${outcome.failure}`);
        if (options.json === true)
          context.terminal.printJson({
            tenant_id: tenantId,
            channel: name,
            ok: outcome.ok,
            status: outcome.status,
            failure,
          });
        else context.terminal.print(`Channel ${name} took the message (status ${outcome.status})`);
        if (!outcome.ok) process.exitCode = EXIT.no;
      }),
  );
}

function registerResend(channel: Command, context: CliContext): void {
  onName(channel.command('resend').description('try again what was given up, once the channel is mended'))
    .option('--days <n>', 'what was given up in the last so many days', '1')
    .action((name: string, options: NameOptions & { days: string }, command: Command) =>
      withDatabase(command, context, async (database) => {
        const days = parseId(options.days, 'The number of days', KEPT_DAYS);
        const key = { tenantId: await tenantOf(database, options.tenant), channel: name };
        const found = await listChannels(database.pool('runledger_operator'), key.tenantId);
        if (!found.some((one) => one.channel === name)) throw noChannel(name, key.tenantId);
        const since = new Date(Date.now() - days * DAY_MS);
        const messages = await resendDead(database.pool('runledger_owner'), key, since);
        if (options.json === true) context.terminal.printJson({ tenant_id: key.tenantId, channel: name, messages });
        else
          context.terminal.print(
            `${formatCount(messages)} ${messages === 1 ? 'message waits' : 'messages wait'} for channel ${name} again, to go within a minute`,
          );
      }),
    );
}

function renderChannels(lines: ChannelLine[], { terminal }: CliContext): string {
  if (lines.length === 0) return 'No channels yet: nobody is told of alerts. Add one: runledger channel add --help';
  const columns = [
    { title: 'channel', value: (c: ChannelLine) => c.channel },
    { title: 'kind', value: (c: ChannelLine) => c.kind },
    { title: 'tenant', value: (c: ChannelLine) => (c.tenant_id === 0 ? 'all' : String(c.tenant_id)) },
    { title: 'host', value: (c: ChannelLine) => c.host, shrinksTo: 12 },
    { title: 'from', value: (c: ChannelLine) => c.min_severity },
    { title: 'state', value: (c: ChannelLine) => (c.enabled ? 'enabled' : 'disabled') },
    { title: 'private', value: (c: ChannelLine) => (c.allow_private ? 'allowed' : 'no'), leaves: 2 },
    { title: 'set by', value: (c: ChannelLine) => (c.from_environment ? 'SLACK_WEBHOOK_URL' : 'hand'), leaves: 3 },
    { title: 'made (UTC)', value: (c: ChannelLine) => formatTime(c.created_at), leaves: 4 },
  ];
  return renderTable(columns, lines, terminal);
}
