/** `runledger token create|list|rotate|revoke`: who may send, read and manage. A token's text is printed once, when it is made. */

import { type Command, Option } from 'commander';
import type pg from 'pg';
import { recordAct } from '../derive/alerts/acts.ts';
import { makeToken, renewToken, tokenRecord } from '../serve/admin.ts';
import { check, tokenBody } from '../serve/input.ts';
import type { MadeToken, TokenLine } from '../serve/shape_admin.ts';
import { inTransaction } from '../store/pool.ts';
import { listTokens, revokeToken } from '../store/tokens.ts';
import { type CliContext, examples, parseId, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH, formatTime } from './format.ts';
import { loginName } from './login_name.ts';
import { renderTable } from './table.ts';

interface CreateOptions {
  kind: string;
  tenant?: string;
  name?: string;
  scope?: string[];
  expires?: string;
  json?: boolean;
}

export const registerToken: Register = (program, context) => {
  const token = program
    .command('token')
    .description('make, list, rotate and revoke tokens')
    .addHelpText(
      'after',
      examples(
        'runledger token create --kind tenant --tenant 7 --scope write     for a pipeline',
        'runledger token create --kind admin --expires 90d --json',
        'runledger token revoke 3',
      ),
    );
  registerCreate(token, context);
  registerRotate(token, context);

  token
    .command('list')
    .description('all tokens ever made, without their text')
    .option('--json', 'print a list of {token_id, kind, tenant_id, name, scopes, ...}')
    .action(async (options: { json?: boolean }, command: Command) => {
      const lines = await withDatabase(command, context, async (database) => {
        return (await listTokens(database.pool('runledger_operator'))).map(tokenRecord);
      });
      if (options.json === true) context.terminal.printJson(lines);
      else context.terminal.print(renderTokens(lines, context));
    });

  token
    .command('revoke')
    .description('take a token back; it stops working within 5 s')
    .argument('<id>', 'the id that `token list` shows')
    .option('--json', 'print {token_id, revoked}')
    .action(async (text: string, options: { json?: boolean }, command: Command) => {
      const tokenId = parseId(text, 'The id of a token');
      const known = await withDatabase(command, context, async (database) => {
        const pool = database.pool('runledger_operator');
        const revoked = await revokeToken(pool, tokenId);
        if (revoked) await record(pool, 'token_revoke', { token_id: tokenId });
        return revoked;
      });
      if (!known) throw new CliError(EXIT.no, `There is no token ${tokenId}\nRun: runledger token list`);
      if (options.json === true) context.terminal.printJson({ token_id: tokenId, revoked: true });
      else context.terminal.print(`Token ${tokenId} is revoked; it stops working within 5 s`);
    });
};

function registerCreate(token: Command, context: CliContext): void {
  token
    .command('create')
    .description('make a token, and register its tenant where that is a new number')
    .addOption(
      new Option('--kind <kind>', 'tenant: one tenant; ingest: sends for any tenant; admin: reads all and manages')
        .choices(['tenant', 'ingest', 'admin'])
        .makeOptionMandatory(),
    )
    .option('--tenant <id or name>', 'whose token; for kind tenant')
    .option('--name <name>', 'what it is for, so that it can be told apart later')
    .addOption(
      new Option('--scope <scope...>', 'for kind tenant (by default write and read)').choices([
        'write',
        'read',
        'review',
      ]),
    )
    .option('--expires <when>', 'a time such as 2027-01-01T00:00:00Z, or from now: 12h, 90d')
    .option('--json', 'print {"token", "token_id", "kind", "tenant_id", "name", "expires_at"}')
    .action(async (options: CreateOptions, command: Command) => {
      const body = check(tokenBody, {
        kind: options.kind,
        ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.scope === undefined ? {} : { scopes: [...new Set(options.scope)] }),
        ...(options.expires === undefined ? {} : { expires_at: parseExpiry(options.expires) }),
      });
      const made = await withDatabase(
        command,
        context,
        async (database) => {
          const pool = database.pool('runledger_operator');
          const token = await makeToken(pool, body);
          await record(pool, 'token_create', token);
          return token;
        },
        { creates: true },
      );
      if (options.json === true) context.terminal.printJson(made);
      else printMade(made, context);
    });
}

function registerRotate(token: Command, context: CliContext): void {
  token
    .command('rotate')
    .description('make another token with the same rights and end this one')
    .argument('<id>', 'the id that `token list` shows')
    .option('--grace <minutes>', 'how long the old one goes on working (by default not at all)')
    .option('--json', 'print {"token", "token_id", "kind", "tenant_id", "name", "scopes", "expires_at"}')
    .action(async (text: string, options: { grace?: string; json?: boolean }, command: Command) => {
      const tokenId = parseId(text, 'The id of a token');
      const graceMinutes = options.grace === undefined ? 0 : parseId(options.grace, 'The grace in minutes', 10_080);
      const made = await withDatabase(command, context, (database) =>
        inTransaction(database.pool('runledger_operator'), async (client) => {
          const renewed = await renewToken(client, tokenId, graceMinutes);
          await record(client, 'token_rotate', renewed, { replaces: tokenId, grace_minutes: graceMinutes });
          return renewed;
        }),
      );
      if (options.json === true) context.terminal.printJson(made);
      else printMade(made, context);
    });
}

type RecordedToken = Pick<MadeToken, 'token_id'> & Partial<Pick<MadeToken, 'tenant_id' | 'kind' | 'name' | 'scopes'>>;

function record(client: pg.Pool | pg.PoolClient, act: string, token: RecordedToken, more: object = {}): Promise<void> {
  const { token_id, tenant_id, kind, name, scopes } = token;
  const details = { kind, name, scopes, ...more };
  const line = {
    tenantId: tenant_id ?? 0,
    actor: loginName(),
    act,
    object: `token ${token_id}`,
    reason: null,
    details,
  };
  return recordAct(client, line, new Date());
}

/** Only the token goes to stdout, so that `$(runledger token create ...)` is the token. */
function printMade(made: MadeToken, { terminal }: CliContext): void {
  terminal.print(made.token);
  const whose = made.tenant_id === null ? '' : ` for tenant ${made.tenant_id}`;
  terminal.remark(
    `${made.kind} token ${made.token_id}${whose}, "${made.name}"; it is shown this once and kept nowhere`,
  );
}

function parseExpiry(text: string): string {
  const match = /^([1-9][0-9]{0,4})([hd])$/.exec(text);
  if (match === null) return text;
  const hours = Number(match[1]) * (match[2] === 'd' ? 24 : 1);
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

function renderTokens(lines: TokenLine[], { terminal }: CliContext): string {
  if (lines.length === 0) return 'No tokens yet. Make one: runledger token create --kind admin';
  const time = (value: string | null) => (value === null ? DASH : formatTime(value));
  const columns = [
    { title: 'id', value: (t: TokenLine) => String(t.token_id), align: 'right' as const },
    { title: 'kind', value: (t: TokenLine) => t.kind },
    {
      title: 'tenant',
      value: (t: TokenLine) => (t.tenant_id === null ? DASH : String(t.tenant_id)),
      align: 'right' as const,
    },
    { title: 'name', value: (t: TokenLine) => t.name, shrinksTo: 12 },
    { title: 'scopes', value: (t: TokenLine) => t.scopes.join(', ') || DASH, leaves: 2 },
    {
      title: 'state',
      value: describeState,
      paint: (text: string, t: TokenLine) =>
        describeState(t) === 'valid' ? terminal.style.good(text) : terminal.style.dim(text),
    },
    { title: 'last used (UTC)', value: (t: TokenLine) => time(t.last_used_at), leaves: 1 },
    { title: 'made (UTC)', value: (t: TokenLine) => time(t.created_at), leaves: 3 },
    { title: 'expires (UTC)', value: (t: TokenLine) => time(t.expires_at), leaves: 4 },
  ];
  return renderTable(columns, lines, terminal);
}

function describeState(line: TokenLine): string {
  if (line.revoked_at !== null) return 'revoked';
  return line.expires_at !== null && Date.parse(line.expires_at) <= Date.now() ? 'expired' : 'valid';
}
