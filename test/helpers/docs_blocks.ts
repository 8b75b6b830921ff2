/** The fenced blocks of every page that people read, and which runner executes each of them. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ELSEWHERE, type Elsewhere } from './docs_elsewhere.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Block {
  page: string;
  /** Of the opening fence, counted from 1. */
  line: number;
  language: string;
  text: string;
  /** Only blank lines stand between it and the end of a block of commands: it shows what the last of them prints. */
  isOutput: boolean;
}

export type Runner = 'shell' | 'output' | 'typescript' | 'javascript' | 'sql' | 'yaml' | 'env' | 'python';

const RUNNERS: Readonly<Record<string, Runner>> = {
  sh: 'shell',
  console: 'shell',
  ts: 'typescript',
  js: 'javascript',
  sql: 'sql',
  yaml: 'yaml',
  env: 'env',
  python: 'python',
};
const OUTPUTS = new Set(['text', 'json', 'csv']);

/** Every page in the repository, but what others wrote. */
export function pagePaths(): string[] {
  const below = ['docs', 'sql', 'deploy', 'examples', 'bench', 'test', 'demo', 'dashboard'].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  );
  const pages = [...readdirSync(ROOT), ...below].filter((path) => path.endsWith('.md') && !path.includes('/fixtures/'));
  return pages.sort();
}

export function allBlocks(): Block[] {
  return pagePaths().flatMap((page) => blocksOf(page, readFileSync(ROOT + page, 'utf8')));
}

/** @throws Error for a fence that nobody closes */
export function blocksOf(page: string, markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: OpenBlock | null = null;
  let isAfterCommands = false;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^( *)```(.*)$/.exec(line);
    if (fence === null) {
      open?.text.push(line.slice(open.indent));
      if (open === null && line.trim() !== '') isAfterCommands = false;
    } else if (open === null) {
      const [, indent = '', language = ''] = fence;
      open = { line: index + 1, language, text: [], indent: indent.length, isOutput: isAfterCommands };
    } else {
      blocks.push(closed(page, open));
      isAfterCommands = RUNNERS[open.language] === 'shell';
      open = null;
    }
  }
  if (open !== null) throw new Error(`${page}:${open.line}: the block does not end`);
  return blocks;
}

interface OpenBlock {
  line: number;
  language: string;
  text: string[];
  indent: number;
  isOutput: boolean;
}

function closed(page: string, { line, language, text, isOutput }: OpenBlock): Block {
  return { page, line, language, text: `${text.join('\n')}\n`, isOutput: isOutput && OUTPUTS.has(language) };
}

export function elsewhereOf(block: Block, list: readonly Elsewhere[] = ELSEWHERE): Elsewhere | undefined {
  return list.find(({ page, has }) => {
    const isPage = page.endsWith('/') ? block.page.startsWith(page) : block.page === page;
    return isPage && block.text.includes(has);
  });
}

/** What executes a block; null: nothing does, and no reason is given. */
export function runnerOf(block: Block, list: readonly Elsewhere[] = ELSEWHERE): Runner | Elsewhere | null {
  const elsewhere = elsewhereOf(block, list);
  if (elsewhere !== undefined) return elsewhere;
  if (block.isOutput) return 'output';
  return RUNNERS[block.language] ?? null;
}

export function blocksFor(runner: Runner): Block[] {
  return allBlocks().filter((block) => runnerOf(block) === runner);
}
