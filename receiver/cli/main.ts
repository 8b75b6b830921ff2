#!/usr/bin/env node
/** The command line `runledger`: runs the program and turns what goes wrong into an exit code. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { SQL_FOLDER } from '../store/sql.ts';
import type { CliContext, GlobalOptions } from './command.ts';
import { EXIT, explainError } from './exit.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';

const version = readVersion();
const context: CliContext = { terminal: createTerminal(), version };
await run(process.argv);

async function run(argv: string[]): Promise<void> {
  // `runledger runs | head` closes our stdout early; that is the reader's right and no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.fault);
  });
  const program = createProgram(context);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error, program);
  }
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
