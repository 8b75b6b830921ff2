/** The program `runledger` with all its commands: what main.ts runs, and what the reference of the command line is made from. */

import { Command } from 'commander';
import { type CliContext, examples } from './command.ts';
import { commands } from './commands.ts';

export function createProgram(context: CliContext): Command {
  const program = new Command('runledger')
    .description('A ledger of pipeline runs in PostgreSQL, fed by OpenTelemetry')
    .version(context.version, '-V, --version', 'print the version')
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
  for (const register of commands) register(program, context);
  return program;
}
