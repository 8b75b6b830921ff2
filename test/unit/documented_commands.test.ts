/** Whatever page tells somebody to type `runledger ...` names a command and options that exist: at night nobody looks them up. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../receiver/cli/program.ts';
import { createTerminal } from '../../receiver/cli/terminal.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Code in running text, and lines of blocks that begin with the program. */
function commandLinesOf(markdown: string): string[] {
  const inline = [...markdown.matchAll(/`((?:npx )?runledger(?: [^`\n]*)?)`/g)].map((match) => match[1] ?? '');
  const lines = [...markdown.matchAll(/^(?: {4}|\$ )?((?:npx )?runledger [a-z][^\n]*)$/gm)].map(
    (match) => match[1] ?? '',
  );
  return [...inline, ...lines].map((line) => line.replace(/^npx /, ''));
}

/** What is wrong with a line; null when it names what there is. */
function faultOf(line: string, program: Command): string | null {
  let command = program;
  let isOpen = true;
  for (const word of line
    .replace(/["'][^"']*["']/g, 'TEXT')
    .replace(/\s#.*$/, '')
    .split(/[\s|[\](),]+/)
    .slice(1)) {
    const option = /^(--[a-z-]+)/.exec(word)?.[1];
    if (option !== undefined) {
      const known = [command, program].some((one) => one.options.some(({ long }) => long === option));
      if (!known && option !== '--help' && option !== '--version') return `${command.name()} has no ${option}`;
      isOpen = false;
    } else if (isOpen && /^[a-z][a-z-]*$/.test(word)) {
      const next = command.commands.find((one) => one.name() === word);
      if (next === undefined && command.commands.length > 0) return `there is no command ${word} in ${command.name()}`;
      if (next === undefined) isOpen = false;
      else command = next;
    }
  }
  return null;
}

const PAGES = [
  'README.md',
  ...readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
];
const program = createProgram({ terminal: createTerminal(), version: '0.0.0' });

describe.each(PAGES)('%s', (page) => {
  it('names commands that exist', () => {
    const faults = commandLinesOf(readFileSync(ROOT + page, 'utf8')).flatMap((line) => {
      const fault = faultOf(line, program);
      return fault === null ? [] : [`${line}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });
});

it('a command, a subcommand and an option that do not exist are seen', () => {
  expect(faultOf('runledger fly', program)).not.toBeNull();
  expect(faultOf('runledger alerts rules', program)).not.toBeNull();
  expect(faultOf('runledger runs --colour red', program)).not.toBeNull();
  expect(faultOf('runledger alerts snooze ID --for 4h', program)).toBeNull();
  expect(commandLinesOf('Run `runledger runs` or\n\n    runledger show 7 --json\n')).toEqual([
    'runledger runs',
    'runledger show 7 --json',
  ]);
});
