/** `runledger backup FILE`: the whole ledger in one file, while it is at work. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { BackupRefusedError, writeBackup } from '../store/backup.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { formatCount } from './format.ts';

export const registerBackup: Register = (program, context) => {
  program
    .command('backup')
    .description('write the whole ledger into one file, while it is at work')
    .argument('<file>', 'must not be there yet')
    .option('--json', 'print {"file", "tables", "rows", "bytes"}')
    .addHelpText('after', examples('runledger backup ledger-2026-11-23.gz', 'runledger restore ledger-2026-11-23.gz'))
    .action(async (file: string, options: { json?: boolean }, command: Command) => {
      const { terminal, version } = context;
      const path = resolve(file);
      if (existsSync(path))
        throw new CliError(EXIT.usage, `${file} is there already\nGive another name, or move it away`);
      const progress = (table: string) => terminal.progress(`writing ${table}`);
      const result = await withDatabase(command, context, async ({ databaseUrl }) => {
        try {
          return await writeBackup(databaseUrl, path, { version, progress });
        } catch (error) {
          if (error instanceof BackupRefusedError) throw new CliError(EXIT.no, error.message);
          throw error;
        }
      });
      terminal.endProgress();
      if (options.json === true) return terminal.printJson({ file: path, ...result });
      const megabytes = (result.bytes / 1_000_000).toFixed(1);
      return terminal.print(`${file}: ${formatCount(result.rows)} rows of ${result.tables} tables, ${megabytes} MB`);
    });
};
