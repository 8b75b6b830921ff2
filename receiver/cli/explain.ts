/**
 * `runledger explain FILE`: what the ledger makes of captured telemetry, record by record, with the very code that ingests it. Stores
 * nothing. Exit code 1 when a record is refused.
 */

import { type Command, Option } from 'commander';
import { examples, type Register } from './command.ts';
import type { ExplainOptions } from './explain_files.ts';

export const registerExplain: Register = (program, context) => {
  program
    .command('explain')
    .description('for each span of a file: kind, tenant, run, stage, what it adds, or why it is refused')
    .argument('<file...>', 'OTLP as JSON, JSON lines or protobuf, perhaps gzipped')
    .option('--tenant <id>', "as if sent with this tenant's token; without it, with an ingest token")
    .addOption(
      new Option('--signal <signal>', 'what the files hold, where that is not clear').choices(['traces', 'logs']),
    )
    .option('--offline', "do not look at the ledger's tenants, vendors and prices")
    .option('--json', 'print a list with one object a record')
    .addHelpText(
      'after',
      examples('runledger explain request.json', 'runledger explain --tenant 7 capture.jsonl --json'),
    )
    .action(async (files: string[], options: ExplainOptions, command: Command) => {
      const { explainFiles } = await import('./explain_files.ts');
      await explainFiles(files, options, command, context);
    });
};
