/** `runledger restore FILE`: a backup into an empty ledger, and the proof that its counters are the sums of its events. */

import type { Command } from 'commander';
import { audit } from '../derive/audit.ts';
import { BackupFormatError } from '../store/backup_archive.ts';
import { migrate } from '../store/migrate.ts';
import { RestoreRefusedError, readBackup } from '../store/restore.ts';
import { examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { formatCount } from './format.ts';

export const registerRestore: Register = (program, context) => {
  program
    .command('restore')
    .description('read a backup into an empty ledger, then recount it; exit code 1 when a counter differs')
    .argument('<file>', 'made by runledger backup')
    .option('--json', 'print {"made_at", "tables", "rows", "difference", "runs_checked"}')
    .addHelpText('after', examples('runledger restore ledger-2026-11-23.gz --data-dir .runledger-restored'))
    .action(async (file: string, options: { json?: boolean }, command: Command) => {
      const { terminal } = context;
      const work = async ({ databaseUrl, pool }: Parameters<Parameters<typeof withDatabase>[2]>[0]) => {
        await migrate({ databaseUrl });
        const restored = await readBackup(databaseUrl, file, (table) => terminal.progress(`reading ${table}`));
        terminal.progress('counting the events again');
        return { restored, counted: await audit(pool('runledger_owner')) };
      };
      const { restored, counted } = await withDatabase(command, context, work, { creates: true }).catch(explain);
      terminal.endProgress();
      const difference = counted.difference + counted.sealed_difference;
      if (difference > 0) process.exitCode = EXIT.no;
      const { tables, rows, madeAt } = restored;
      if (options.json === true)
        return terminal.printJson({ made_at: madeAt, tables, rows, difference, runs_checked: counted.runs_checked });
      terminal.print(`${formatCount(rows)} rows of ${tables} tables, as of ${madeAt}`);
      return terminal.print(`difference ${difference}  ${formatCount(counted.runs_checked)} runs recounted`);
    });
};

function explain(error: unknown): never {
  if (error instanceof RestoreRefusedError || error instanceof BackupFormatError)
    throw new CliError(EXIT.no, error.message, { cause: error });
  throw error;
}
