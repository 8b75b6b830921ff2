/**
 * `runledger channel add|list|remove|enable|disable|test`: where alert messages go. A URL is a secret: it comes from a file or from standard
 * input, and is shown as its host alone.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Severity } from '../derive/alerts/finding.ts';
import {
  CHANNEL_KINDS,
  type ChannelRecord,
  enableChannel,
  listChannels,
  removeChannel,
  setChannel,
} from '../derive/delivery/channels.ts';
import type { ChannelKind } from '../derive/delivery/request.ts';
import { tryChannel } from '../derive/delivery/try_channel.ts';
import { askStore } from '../serve/admin.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import { readTenantId } from '../serve/read.ts';
import { type CliContext, examples, type Register } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { formatTime } from './format.ts';
import { renderTable } from './table.ts';

interface AddOptions {
  kind: ChannelKind;
  url?: string;
  urlFile?: string;
  secretFile?: string;
  tenant?: string;
  minSeverity: Severity;
  allowPrivate?: boolean;
  json?: boolean;
}

interface NameOptions {
  tenant?: string;
  json?: boolean;
}

/** Of a generated key: as strong as the HMAC. */
const SECRET_BYTES = 32;
const TEXT_MAX = 8_192;

export const registerChannel: Register = (program, context) => {
  const channel = program
    .command('channel')
    .description('where alert messages go: add, list, remove, enable, disable or test channels')
    .addHelpText(
      'after',
      examples(
        'runledger channel add ops --kind slack --url-file /run/secrets/slack-url',
        'printenv HOOK_URL | runledger channel add hook --kind webhook --tenant acme --url-file -',
        'runledger channel add alertmanager --kind alertmanager --url-file url.txt --allow-private',
        'runledger channel test ops',
      ),
    );
  registerAdd(channel, context);
  registerList(channel, context);
  registerTest(channel, context);
  const change = (name: string, what: string, done: string, work: ChangeChannel) =>
    onName(channel.command(name).description(what)).action(
      (channelName: string, options: NameOptions, command: Command) =>
        withDatabase(command, context, async (database) => {
          const tenantId = await tenantOf(database, options.tenant);
          if (!(await askStore(() => work(database, tenantId, channelName)))) throw noChannel(channelName, tenantId);
          if (options.json === true)
            context.terminal.printJson({ tenant_id: tenantId, channel: channelName, [done]: true });
          else context.terminal.print(`Channel ${channelName} is ${done}`);
        }),
    );
  change('remove', 'forget a channel; what waits for it is given up', 'removed', ({ pool }, tenantId, name) =>
    removeChannel(pool('runledger_operator'), tenantId, name),
  );
  change('enable', 'take disable back', 'enabled', ({ pool }, tenantId, name) =>
    enableChannel(pool('runledger_operator'), tenantId, name, true),
  );
  change('disable', 'send nothing to it; what waits for it is given up', 'disabled', ({ pool }, tenantId, name) =>
    enableChannel(pool('runledger_operator'), tenantId, name, false),
  );
};

type ChangeChannel = (database: CommandDatabase, tenantId: number, name: string) => Promise<boolean>;

function registerAdd(channel: Command, context: CliContext): void {
  onName(channel.command('add').description('make a channel, or change the one of that name and kind'))
    .addOption(
      new Option('--kind <kind>', 'slack: incoming webhook; webhook: signed JSON; alertmanager: API v2')
        .choices(CHANNEL_KINDS)
        .makeOptionMandatory(),
    )
    .option('--url-file <file>', 'file that holds the URL; - reads standard input')
    .option('--url <url>', 'the URL itself; other users of this machine can see it while the command runs')
    .option(
      '--secret-file <file>',
      'webhook: key of the signature (else one is made and printed); alertmanager: bearer token',
    )
    .addOption(
      new Option('--min-severity <severity>', 'page: only what wakes somebody')
        .choices(['warn', 'page'])
        .default('warn'),
    )
    .option('--allow-private', 'let it point to private or loopback addresses, and to plain http')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const url = readUrl(options, context);
      await withDatabase(command, context, (database) => add(name, url, options, database, context), { creates: true });
    });
}

async function add(
  name: string,
  url: string,
  options: AddOptions,
  database: CommandDatabase,
  { terminal }: CliContext,
): Promise<void> {
  const pool = database.pool('runledger_operator');
  const tenantId = await tenantOf(database, options.tenant);
  const isNew = !(await listChannels(pool, tenantId)).some((one) => one.channel === name);
  const given = options.secretFile === undefined ? undefined : readText(options.secretFile, '--secret-file');
  const made = given === undefined && isNew && options.kind === 'webhook' ? makeSecret() : undefined;
  const secret = given ?? made;
  const { kind, minSeverity, allowPrivate = false } = options;
  await askStore(() =>
    setChannel(pool, {
      tenantId,
      channel: name,
      kind,
      url,
      minSeverity,
      allowPrivate,
      ...(secret === undefined ? {} : { secret }),
    }),
  );
  const line = (await listChannels(pool, tenantId)).find((one) => one.channel === name);
  if (line === undefined) throw noChannel(name, tenantId);
  if (options.json === true) {
    terminal.printJson({ ...channelLine(line), ...(made === undefined ? {} : { secret: made }) });
    return;
  }
  terminal.print(`Channel ${name} (${kind}, ${line.host}) is set; try it: runledger channel test ${name}`);
  if (made !== undefined) terminal.print(`Key of its signatures, shown this once: ${made}`);
}

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
        const failure = outcome.ok ? null : outcome.failure;
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

function onName(command: Command): Command {
  return command
    .argument('<name>', 'name of the channel')
    .option('--tenant <id or name>', "a tenant's own channel; left out: the channel of all tenants")
    .option('--json', 'print the result as JSON');
}

async function tenantOf(database: CommandDatabase, ref: string | undefined): Promise<number> {
  if (ref === undefined) return 0;
  const tenantId = await readTenantId(database.pool('runledger_operator'), check(tenantRefParam, ref, 'tenant'));
  if (tenantId === null) throw new CliError(EXIT.no, `There is no tenant ${ref}\nRun: runledger tenant list`);
  return tenantId;
}

function noChannel(name: string, tenantId: number): CliError {
  const whose = tenantId === 0 ? 'of all tenants' : `of tenant ${tenantId}`;
  return new CliError(EXIT.no, `There is no channel ${name} ${whose}\nRun: runledger channel list`);
}

function readUrl({ url, urlFile }: AddOptions, { terminal }: CliContext): string {
  if ((url === undefined) === (urlFile === undefined))
    throw new CliError(
      EXIT.usage,
      'Give the URL in one way: --url-file FILE, --url-file - for standard input, or --url',
    );
  if (urlFile !== undefined) return readText(urlFile, '--url-file');
  terminal.remark(
    '--url can be read by other users of this machine and stays in the history of the shell; --url-file does not',
  );
  return url ?? '';
}

/** @throws CliError that names the option and not what is in the file */
function readText(file: string, option: string): string {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new CliError(EXIT.usage, `The file of ${option} cannot be read (${code})`, { cause });
  }
  if (text === '' || text.length > TEXT_MAX || /\s/.test(text))
    throw new CliError(EXIT.usage, `The file of ${option} must hold one line without blanks`);
  return text;
}

function makeSecret(): string {
  return `rls_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

type ChannelLine = ReturnType<typeof channelLine>;

function channelLine(record: ChannelRecord) {
  return {
    tenant_id: record.tenantId,
    channel: record.channel,
    kind: record.kind,
    host: record.host,
    min_severity: record.minSeverity,
    allow_private: record.allowPrivate,
    enabled: record.enabled,
    from_environment: record.fromEnvironment,
    created_at: record.createdAt.toISOString(),
  };
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
