/** What every command gets, and how a command is added to the program: one file each, one `register` function in it. */

import type { Command } from 'commander';
import { type Config, type Flags, loadConfig } from '../config.ts';
import { CliError, EXIT } from './exit.ts';
import type { Terminal } from './terminal.ts';

export interface CliContext {
  terminal: Terminal;
  version: string;
}

export type Register = (program: Command, context: CliContext) => void;

/** Options that stand before or behind any command. */
export interface GlobalOptions {
  databaseUrl?: string;
  dataDir?: string;
  debug?: boolean;
}

/** The configuration as the environment and the flags of this call have it. @throws ConfigError */
export function configOf(command: Command): Config {
  return loadConfig(flagsOf(command));
}

export function flagsOf(command: Command): Flags {
  const { databaseUrl, dataDir } = command.optsWithGlobals<GlobalOptions>();
  return {
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...(dataDir === undefined ? {} : { RUNLEDGER_DATA_DIR: dataDir }),
  };
}

/** Help text behind a command's options: a blank line, then each example on a line of its own. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

/** @throws CliError for text that is no number of a tenant, a run or the like */
export function parseId(text: string, what: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value <= max) return value;
  throw new CliError(EXIT.usage, `${what} must be a whole number above 0, not "${text.slice(0, 40)}"`);
}
