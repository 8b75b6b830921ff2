#!/usr/bin/env node
/** The command line `runledger`: builds the program out of one file per command, runs it, and turns what goes wrong into an exit code. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { SQL_FOLDER } from '../store/sql.ts';
import { type CliContext, examples, type GlobalOptions } from './command.ts';
import { commands } from './commands.ts';
import { EXIT, explainError } from './exit.ts';
import { createTerminal } from './terminal.ts';

const version = readVersion();
const context: CliContext = { terminal: createTerminal(), version };
await run(process.argv);

async function run(argv: string[]): Promise<void> {
  // `runledger runs | head` closes our stdout early; that is the reader's right and no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.fault);
  });
  const program = createProgram();
  try {
    for (const register of commands) register(program, context);
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error, program);
  }
}

function createProgram(): Command {
  const program = new Command('runledger')
    .description('A ledger of pipeline runs in PostgreSQL, fed by OpenTelemetry')
    .version(version, '-V, --version', 'print the version')
    .option('--database-url <url>', 'PostgreSQL to use (DATABASE_URL; by default the embedded one)')
    .option('--data-dir <folder>', 'folder of the embedded PostgreSQL (RUNLEDGER_DATA_DIR; by default .runledger)')
    .option('--debug', 'show where in the code an error happened')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('Run it with --help to see how it is used')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .exitOverride();
  program.addHelpText(
    'after',
    `${examples(
      'runledger demo                           see it work, with data of a nightly pipeline',
      'runledger start                          receive spans on 4318, answer on 8080',
      'runledger token create --kind tenant --tenant 7',
      'runledger runs',
      'runledger show 2026-11-22-nightly',
    )}\n\nExit codes: 0 done, 1 the answer is no, 2 wrong use or input, 3 database or receiver not reachable, 4 our fault`,
  );
  return program;
}

function report(error: unknown, program: Command): number {
  context.terminal.endProgress();
  // Commander has already printed its message, its help or the version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const { exitCode, message } = explainError(error);
  if (process.argv.includes('--json'))
    process.stderr.write(`${JSON.stringify({ error: message, exit_code: exitCode })}\n`);
  else process.stderr.write(`runledger: ${message}\n`);
  if (program.opts<GlobalOptions>().debug === true && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCode;
}

function readVersion(): string {
  const text = readFileSync(join(dirname(SQL_FOLDER), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
