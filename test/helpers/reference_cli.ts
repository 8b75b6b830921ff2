/** docs/reference/cli.md from the definitions that the command line itself parses by. */

import type { Argument, Command, Option } from 'commander';
import { EXIT_MEANING } from '../../receiver/cli/exit.ts';
import { cell, code, table } from './reference_text.ts';

const HEAD = `# Commands

Every command with its arguments and options, made from the definitions that the command line parses by; a test holds this page against them. What to do with them:
[The command line](../cli.md). \`--help\` behind a command prints the same.
`;

/** Options of the whole program; \`--help\` is everywhere. */
export function cliPage(program: Command): string {
  return [HEAD, everywhere(program), exitCodes(), ...leavesOf(program).map(sectionOf)].join('\n');
}

/** Commands that do something, in the order of the help. */
export function leavesOf(command: Command): Command[] {
  if (command.commands.length === 0) return [command];
  return command.commands.filter((one) => one.name() !== 'help').flatMap(leavesOf);
}

/** As it is typed: "runledger tenant add". */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function everywhere(program: Command): string {
  const help = ['`-h, --help`', 'show the help of the command', ''];
  return `## Everywhere\n\nBefore or behind any command.\n\n${optionTable(program.options, [help])}`;
}

function exitCodes(): string {
  const rows = Object.entries(EXIT_MEANING).map(([exitCode, meaning]) => [exitCode, meaning]);
  return `## Exit codes\n\n${table(['code', 'meaning'], rows)}`;
}

function sectionOf(command: Command): string {
  const parts = [`## ${pathOf(command).replace(/^\S+ /, '')}`, `${sentence(command.description())}`, usageOf(command)];
  if (command.registeredArguments.length > 0) parts.push(argumentTable(command.registeredArguments));
  if (command.options.length > 0) parts.push(optionTable(command.options));
  const shown = examplesOf(command);
  if (shown.length > 0) parts.push(`For example:\n\n${shown.map((line) => `- ${line}`).join('\n')}\n`);
  return parts
    .map((part) => part.trimEnd())
    .join('\n\n')
    .concat('\n');
}

function usageOf(command: Command): string {
  const words = command.registeredArguments.map((one) => {
    const word = `${one.name()}${one.variadic ? '...' : ''}`;
    return one.required ? `<${word}>` : `[${word}]`;
  });
  const options = command.options.length > 0 ? ['[options]'] : [];
  return code([pathOf(command), ...words, ...options].join(' '));
}

function argumentTable(list: readonly Argument[]): string {
  const rows = list.map((one) => [
    code(one.name()),
    cell(one.description),
    one.required ? 'needed' : defaultOf(one.defaultValue),
  ]);
  return table(['argument', '', 'default'], rows);
}

function optionTable(options: readonly Option[], more: string[][] = []): string {
  const rows = options.map((option) => [
    code(option.flags),
    cell(aboutOf(option)),
    option.mandatory ? 'needed' : defaultOf(option.defaultValue),
  ]);
  return table(['option', '', 'default'], [...rows, ...more]);
}

function aboutOf({ description, argChoices, envVar }: Option): string {
  const words = [description];
  if (argChoices !== undefined) words.push(`one of ${argChoices.map(code).join(', ')}`);
  if (envVar !== undefined) words.push(`by environment: ${code(envVar)}`);
  return words.filter((word) => word !== '').join('; ');
}

function defaultOf(value: unknown): string {
  if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) return '';
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

function sentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}

/** Of the text behind the help: commander keeps it as listeners, so it is asked to say it. What stands two spaces behind a command is a remark. */
function examplesOf(command: Command): string[] {
  const said: string[] = [];
  const { writeOut } = command.configureOutput();
  command.configureOutput({ writeOut: (text) => void said.push(text) });
  command.outputHelp();
  if (writeOut !== undefined) command.configureOutput({ writeOut });
  return [...said.join('').matchAll(/^ {2}\$ (.+)$/gm)].map(([, line = '']) => {
    const [, typed = line, remark] = /^(.*?\S) {2,}(\S.*)$/.exec(line) ?? [];
    return remark === undefined ? code(typed) : `${code(typed)} ${remark}`;
  });
}
