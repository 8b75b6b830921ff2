/** `runledger channel add`: a URL comes from a file or from standard input, because it is a secret and the command line of a process is not. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Severity } from '../derive/alerts/finding.ts';
import { CHANNEL_KINDS, listChannels, putChannel } from '../derive/delivery/channels.ts';
import type { ChannelKind } from '../derive/delivery/request.ts';
import { askStore } from '../serve/admin.ts';
import { channelLine } from '../serve/shape_alerting.ts';
import { inTransaction } from '../store/pool.ts';
import { noChannel, onName, recordChannelAct, tenantOf } from './channel_name.ts';
import type { CliContext } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';

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

/** Of a generated key: as strong as the HMAC. */
const SECRET_BYTES = 32;
const TEXT_MAX = 8_192;

export function registerAdd(channel: Command, context: CliContext): void {
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
  const settings = { tenantId, channel: name, kind, url, minSeverity, allowPrivate };
  const line = await inTransaction(pool, async (client) => {
    const added = await askStore(() =>
      putChannel(client, { ...settings, ...(secret === undefined ? {} : { secret }) }),
    );
    const record = (await listChannels(client, tenantId)).find((one) => one.channel === name);
    if (record === undefined) throw noChannel(name, tenantId);
    const { host } = record;
    const details = {
      kind,
      host,
      min_severity: minSeverity,
      allow_private: allowPrivate,
      secret: secret !== undefined,
    };
    await recordChannelAct(client, added === 'added' ? 'channel_add' : 'channel_change', settings, details);
    return record;
  });
  if (options.json === true) {
    terminal.printJson({ ...channelLine(line), ...(made === undefined ? {} : { secret: made }) });
    return;
  }
  terminal.print(`Channel ${name} (${kind}, ${line.host}) is set; try it: runledger channel test ${name}`);
  if (made !== undefined) terminal.print(`Key of its signatures, shown this once: ${made}`);
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
