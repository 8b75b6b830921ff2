/** `runledger config`: every setting with its value and where it comes from; secrets masked. */

import type { Command } from 'commander';
import { describeConfig, loadConfig } from '../config.ts';
import { examples, flagsOf, type Register } from './command.ts';
import { DASH } from './format.ts';
import { renderTable } from './table.ts';

export const registerConfig: Register = (program, context) => {
  program
    .command('config')
    .description('show the effective configuration, and check it')
    .option('--json', 'print a list of {name, value, source, secret, about}')
    .addHelpText('after', examples('runledger config', 'RUNLEDGER_HTTP_PORT=9090 runledger config --json'))
    .action((options: { json?: boolean }, command: Command) => {
      const { terminal } = context;
      const flags = flagsOf(command);
      const lines = describeConfig(flags);
      if (options.json === true) terminal.printJson(lines);
      else {
        const columns = [
          { title: 'name', value: (line: (typeof lines)[number]) => line.name },
          { title: 'value', value: (line: (typeof lines)[number]) => line.value ?? DASH, shrinksTo: 16 },
          { title: 'from', value: (line: (typeof lines)[number]) => line.source },
          { title: 'what it is for', value: (line: (typeof lines)[number]) => line.about, shrinksTo: 20, leaves: 1 },
        ];
        terminal.print(renderTable(columns, lines, terminal));
      }
      // Shown first and checked afterwards, so that a wrong value can be seen beside its complaint.
      loadConfig(flags);
    });
};
