/** Runs the command blocks of one page in one shell, in order, in a folder of their own, and keeps what each printed. */

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLI_PROGRAM } from './cli_program.ts';
import type { Block } from './docs_blocks.ts';

export interface ShellPage {
  /** Where it runs; made here. */
  folder: string;
  environment: Readonly<Record<string, string>>;
  /** What a page says and what stands for it here, in order: addresses, tokens, ids. */
  replacements: readonly (readonly [string | RegExp, string])[];
  /** Programs that cannot run here: a shell script by name, which checks what can be checked. */
  standIns: Readonly<Record<string, string>>;
}

export interface BlockOutcome {
  block: Block;
  /** What was run, with its replacements. */
  script: string;
  stdout: string;
  /** null: an earlier block of the page failed. */
  exitCode: number | null;
  stderr: string;
}

export interface Command {
  script: string;
  /** As the page shows it below the command; null: it shows nothing. */
  shown: string | null;
}

/** A block of `sh` is a script; in `console` each line behind "$ " is a command and what follows is its output. */
export function commandsOf({ language, text }: Pick<Block, 'language' | 'text'>): Command[] {
  if (language !== 'console') return [{ script: text, shown: null }];
  const [before = '', ...parts] = text.split(/^\$ /m);
  if (before.trim() !== '') throw new Error(`a block of console begins with "$ ", not with ${before}`);
  return parts.map((part) => {
    const end = /(?<!\\)\n/.exec(part)?.index ?? part.length;
    const shown = part.slice(end + 1);
    return { script: part.slice(0, end), shown: shown.trim() === '' ? null : shown };
  });
}

const MARK = '\u0001runledger-block';
/** Node.js gives a child sockets, which cannot be opened again as /dev/stderr. */
const MARK_FUNCTION = `mark() { printf '${MARK} %s\\n' "$1"; printf '${MARK} %s\\n' "$1" >&2; }`;

/** Each command of each block with what it printed. Ends at the first that fails; those behind it have exitCode null. */
export async function runPage(blocks: readonly Block[], page: ShellPage): Promise<(BlockOutcome & Command)[]> {
  const steps = blocks.flatMap((block) =>
    commandsOf(block).map((command) => ({ block, ...command, script: replaced(command.script, page.replacements) })),
  );
  const script = steps.map(({ script: text }, index) => `mark ${index}\n${text}\n`);
  const ran = await runBash(`set -euo pipefail\n${MARK_FUNCTION}\n${script.join('\n')}`, page);
  const [out, errors] = [sectionsOf(ran.stdout), sectionsOf(ran.stderr)];
  const last = Math.max(-1, ...out.keys());
  return steps.map((step, index) => ({
    ...step,
    stdout: out.get(index) ?? '',
    stderr: errors.get(index) ?? (last < 0 ? ran.stderr : ''),
    exitCode: index < last ? 0 : index === last ? ran.exitCode : null,
  }));
}

function replaced(text: string, replacements: ShellPage['replacements']): string {
  return replacements.reduce(
    (done, [from, to]) => done.replaceAll(from instanceof RegExp ? from : from, () => to),
    text,
  );
}

function sectionsOf(text: string): Map<number, string> {
  const sections = text.split(`${MARK} `).slice(1);
  return new Map(sections.map((section) => [Number.parseInt(section, 10), section.slice(section.indexOf('\n') + 1)]));
}

interface Ran {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

function runBash(script: string, { folder, environment, standIns }: ShellPage): Promise<Ran> {
  const programs = join(folder, '.programs');
  mkdirSync(programs, { recursive: true });
  for (const [name, text] of Object.entries({ ...OURS, ...standIns })) {
    writeFileSync(join(programs, name), `#!/usr/bin/env bash\nset -euo pipefail\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  }
  const { PATH = '', HOME = '' } = process.env;
  const env = { HOME, NO_COLOR: '1', ...environment, PATH: `${programs}:${PATH}` };
  const child = spawn('bash', ['-s'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const ran: Ran = { stdout: '', stderr: '', exitCode: null };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ran.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ran.stderr += text;
  });
  // In braces, so that bash reads all of it before a command can read the rest from the same stdin.
  child.stdin.end(`{\n${script}\n} </dev/null\n`);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ ...ran, exitCode }));
  });
}

const quoted = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** The command as it is installed; npx finds it, and nothing else, so that no page can fetch a package by a slip. */
const OURS: Readonly<Record<string, string>> = {
  runledger: `exec ${quoted([process.execPath, ...CLI_PROGRAM])} "$@"`,
  npx: `[ "$1" = runledger ] || { echo "npx: only runledger is installed here, not $1" >&2; exit 127; }; shift; exec runledger "$@"`,
};
