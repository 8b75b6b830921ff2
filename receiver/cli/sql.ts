/**
 * `runledger sql`: one statement, or a prompt. Every statement runs alone in a read-only transaction as the operator role (or, with
 * --tenant, as that tenant's API would), so that looking around cannot change the books.
 */

import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { stringify } from 'csv-stringify/sync';
import type { QueryArrayResult } from 'pg';
import { operatorScope, type Scope, tenantScope } from '../serve/access.ts';
import { loadSql } from '../store/sql.ts';
import { examples, type Register } from './command.ts';
import { type CommandDatabase, withDatabase } from './database.ts';
import { CliError, EXIT, explainError } from './exit.ts';
import { findTenant } from './run_data.ts';
import { renderResult, resultObjects, resultRows } from './sql_result.ts';
import type { Terminal } from './terminal.ts';

interface SqlOptions {
  tenant?: string;
  format: 'table' | 'csv' | 'json';
  json?: boolean;
  timeout: string;
}

type Format = SqlOptions['format'];

export const registerSql: Register = (program, context) => {
  program
    .command('sql')
    .description('read-only SQL: one statement, or a prompt')
    .argument('[query]', 'the statement; without it a prompt opens, or stdin is read where it is no terminal')
    .option('--tenant <id or name>', 'see what this tenant sees')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'csv', 'json']).default('table'))
    .option('--json', 'the same as --format json: a list of objects')
    .option('--timeout <seconds>', 'stop a statement after this long', '60')
    .addHelpText(
      'after',
      examples(
        'runledger sql "select tenant_id, status, count(*) from enrichment_runs group by 1, 2"',
        'runledger sql --tenant 7 --json "select * from run_vendor_usage"',
        'runledger sql',
      ),
    )
    .action(async (query: string | undefined, options: SqlOptions, command: Command) => {
      await withDatabase(command, context, async (database) => {
        const scope = await chooseScope(database, options);
        const format = options.json === true ? 'json' : options.format;
        if (query !== undefined) return printStatement(scope, query, format, context.terminal);
        if (process.stdin.isTTY === true) return prompt(scope, format, context.terminal);
        return printStatement(scope, await readStdin(), format, context.terminal);
      });
    });
};

async function chooseScope(database: CommandDatabase, options: SqlOptions): Promise<Scope> {
  const seconds = Number(options.timeout);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400) {
    throw new CliError(EXIT.usage, '--timeout must be a whole number of seconds from 1 to 86400');
  }
  const pool = (role: 'runledger_operator' | 'runledger_reader') =>
    database.pool(role, { statementTimeoutMs: seconds * 1000 });
  const operators = pool('runledger_operator');
  const tenantId = await operatorScope(operators).read((client) => findTenant(client, options.tenant));
  if (tenantId === null) return operatorScope(operators);
  return tenantScope({ readers: pool('runledger_reader'), operators }, tenantId);
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function printStatement(scope: Scope, query: string, format: Format, terminal: Terminal): Promise<void> {
  if (query.trim() === '') throw new CliError(EXIT.usage, 'There is no statement to run');
  const result = await runStatement(scope, query);
  if (format === 'json') terminal.printJson(resultObjects(result));
  else if (format === 'csv') {
    const columns = result.fields.map((field) => field.name);
    process.stdout.write(stringify(resultRows(result), { header: true, columns, escape_formulas: true }));
  } else terminal.print(renderResult(result, terminal));
}

async function runStatement(scope: Scope, text: string, values: unknown[] = []): Promise<QueryArrayResult> {
  try {
    // The extended protocol takes one statement only, so that none can end the read-only transaction and go on behind it.
    const query = { text, values, rowMode: 'array' as const, queryMode: 'extended' };
    return await scope.read((client) => client.query<unknown[]>(query));
  } catch (error) {
    throw describeSqlError(error, text);
  }
}

/** The server's own words, which are about the person's own statement, with the place it means. */
function describeSqlError(error: unknown, text: string): unknown {
  const { exitCode, message } = explainError(error);
  if (exitCode === EXIT.unreachable && !(error instanceof Error && 'position' in error))
    return new CliError(exitCode, message);
  if (!(error instanceof Error) || !('code' in error)) return error;
  const position = 'position' in error ? Number(error.position) : Number.NaN;
  const hint = 'hint' in error && typeof error.hint === 'string' ? `\nHint: ${error.hint}` : '';
  const near = Number.isInteger(position) ? `, near "${text.slice(position - 1, position + 19).split('\n')[0]}"` : '';
  return new CliError(EXIT.usage, `${error.message}${near}${hint}`, { cause: error });
}

const PROMPT_HELP = `End a statement with ;
\\d        tables and views        \\d NAME   columns of one
\\q        quit (or Ctrl-D)        \\?        this help`;

async function prompt(scope: Scope, format: Format, terminal: Terminal): Promise<void> {
  terminal.remark(`Read-only. ${PROMPT_HELP}`);
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: 'runledger=> ',
    historySize: 500,
  });
  lines.on('SIGINT', () => lines.close());
  let statement = '';
  lines.prompt();
  for await (const line of lines) {
    const done = statement === '' && line.trim().startsWith('\\');
    statement = done ? line.trim() : `${statement}${line}\n`;
    if (done && statement === '\\q') break;
    if (done || /;\s*$/.test(statement)) {
      await answer(scope, statement, format, terminal);
      statement = '';
    }
    if (statement.trim() === '') statement = '';
    lines.setPrompt(statement === '' ? 'runledger=> ' : 'runledger-> ');
    lines.prompt();
  }
  lines.close();
}

async function answer(scope: Scope, statement: string, format: Format, terminal: Terminal): Promise<void> {
  try {
    const [command, name] = statement.split(/\s+/);
    if (!statement.startsWith('\\')) await printStatement(scope, statement, format, terminal);
    else if (command === '\\d' && name === undefined) {
      terminal.print(renderResult(await runStatement(scope, loadSql('queries/cli/relations')), terminal));
    } else if (command === '\\d') {
      terminal.print(renderResult(await runStatement(scope, loadSql('queries/cli/columns'), [name]), terminal));
    } else terminal.print(PROMPT_HELP);
  } catch (error) {
    // A statement that fails is the prompt's daily bread; only a lost database ends it.
    if (!(error instanceof CliError) || error.exitCode !== EXIT.usage) throw error;
    terminal.print(terminal.style.bad(error.message));
  }
}
