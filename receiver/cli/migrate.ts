/** `runledger migrate`: brings the database to this version's schema, or prints what an administrator has to run for that. */

import type { Command } from 'commander';
import { migrate, pendingMigrations } from '../store/migrate.ts';
import { administratorSql } from '../store/roles.ts';
import { configOf, examples, type Register } from './command.ts';
import { findServer } from './database.ts';
import { CliError, EXIT } from './exit.ts';

interface MigrateOptions {
  adopt?: boolean;
  printSql?: boolean;
  check?: boolean;
  json?: boolean;
}

export const registerMigrate: Register = (program, context) => {
  program
    .command('migrate')
    .description('bring the database to the schema of this version; safe to run twice and at the same time')
    .option('--adopt', 'use an enrichment_runs table that an application had before')
    .option('--print-sql', 'print the SQL that makes the roles, for an administrator, and change nothing')
    .option('--check', 'change nothing; exit code 1 when something is missing')
    .option('--json', 'print {"applied": [...]} or, with --check, {"pending": [...]}')
    .addHelpText(
      'after',
      examples(
        'runledger migrate',
        'runledger migrate --print-sql | psql "$ADMIN_URL"',
        'runledger migrate --check --json',
      ),
    )
    .action(async (options: MigrateOptions, command: Command) => {
      const { terminal } = context;
      const config = configOf(command);
      if (options.printSql === true) {
        terminal.print(roleSql(config.databaseUrl));
        return;
      }
      const server = await findServer(config, context, { creates: true });
      try {
        if (options.check === true) {
          const pending = await pendingMigrations(server.databaseUrl);
          if (options.json === true) terminal.printJson({ pending });
          else terminal.print(pending.length === 0 ? 'Nothing is missing' : `Missing:\n${pending.join('\n')}`);
          if (pending.length > 0) process.exitCode = EXIT.no;
          return;
        }
        const { applied } = await migrate({
          databaseUrl: server.databaseUrl,
          adopt: options.adopt === true,
          log: (message) => terminal.remark(message),
        });
        if (options.json === true) terminal.printJson({ applied });
        else terminal.print(applied.length === 0 ? 'The schema is up to date' : `Applied ${applied.length} files`);
      } finally {
        await server.stop();
      }
    });
};

function roleSql(databaseUrl: string | null): string {
  if (databaseUrl === null) {
    throw new CliError(
      EXIT.usage,
      '--print-sql is for a PostgreSQL of your own: set DATABASE_URL (the embedded one needs no help)',
    );
  }
  const { username, pathname } = new URL(databaseUrl);
  const login = decodeURIComponent(username);
  if (login === '')
    throw new CliError(EXIT.usage, 'DATABASE_URL names no user, so that it is not clear whom to give the roles');
  return administratorSql(login, decodeURIComponent(pathname.slice(1)) || login);
}
