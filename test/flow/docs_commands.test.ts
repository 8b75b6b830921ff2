/**
 * Every command of every page, typed in order into one shell a page, against a receiver whose ledger holds a night of the demo; and what
 * the page shows below a command, compared with what it prints.
 */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allBlocks, type Block, blocksFor, ROOT } from '../helpers/docs_blocks.ts';
import { capturedRequests } from '../helpers/docs_captured.ts';
import { commonReplacements, type DocsScene, PAGE_REPLACEMENTS, STAND_INS } from '../helpers/docs_pages.ts';
import { type OpenDocsScene, openDocsScene } from '../helpers/docs_scene.ts';
import { jsonFaults, textFaults } from '../helpers/docs_shape.ts';
import { runPage, type ShellPage } from '../helpers/docs_shell.ts';

/** Limits are for machines that are twenty times slower than a quiet one. */
const MINUTE_MS = 60_000;
const blocks = blocksFor('shell');
const outputs = blocksFor('output');
const PAGES = [...new Set(blocks.map(({ page }) => page))];

let opened: OpenDocsScene;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runledger-docs-'));
  mkdirSync(join(folder, 'data'));
  opened = await openDocsScene(join(folder, 'data'));
}, 10 * MINUTE_MS);
afterAll(async () => {
  await opened?.close();
  rmSync(folder, { recursive: true, force: true });
}, MINUTE_MS);

/** What a reader has in his folder: the repository's own files that commands name, and a file with the address of a channel. */
function preparePage(page: string, scene: DocsScene): ShellPage {
  const own = join(folder, page.replaceAll(/\W/g, '-'));
  mkdirSync(own);
  for (const file of ['.env.example', 'docker-compose.yml', 'otel-collector.yaml', '.ci']) {
    cpSync(join(ROOT, file), join(own, file), { recursive: true });
  }
  // Where the build is stale the command runs from its sources, by a loader that Node.js looks for from here.
  symlinkSync(join(ROOT, 'node_modules'), join(own, 'node_modules'));
  const captured = capturedRequests();
  writeFileSync(join(own, 'captured.json'), captured.odd);
  writeFileSync(join(own, 'night.json'), captured.good);
  symlinkSync(join(folder, 'data'), join(own, '.runledger'));
  writeFileSync(join(own, 'slack-url'), scene.slackUrl);
  return {
    folder: own,
    environment: opened.environment,
    replacements: [...(PAGE_REPLACEMENTS[page]?.(scene) ?? []), ...commonReplacements(scene)],
    standIns: Object.fromEntries(Object.entries(STAND_INS).map(([name, { script }]) => [name, script])),
  };
}

/** The block of output right behind a block of commands. */
function outputBelow(block: Block): Block | undefined {
  const after = blocks.concat(outputs).filter(({ page, line }) => page === block.page && line > block.line);
  const [next] = after.sort((a, b) => a.line - b.line);
  return next?.isOutput === true ? next : undefined;
}

describe.each(PAGES)('%s', (page) => {
  it(
    'its commands work, and print what it shows',
    async () => {
      const own = blocks.filter((block) => block.page === page);
      const outcomes = await runPage(own, preparePage(page, opened.scene));
      const failed = outcomes.filter(({ exitCode }) => exitCode !== 0);
      expect(
        failed
          .slice(0, 1)
          .map(({ block, script, stderr, stdout }) => `${page}:${block.line}\n${script}\n${stdout}${stderr}`),
      ).toEqual([]);
      const faults = outcomes.flatMap(({ block, shown, stdout }) => {
        const below = shown === null ? outputBelow(block) : undefined;
        const text = shown ?? below?.text ?? null;
        if (text === null) return [];
        const isJson = below === undefined ? /^\s*[[{]/.test(text) : below.language === 'json';
        const wrong = isJson ? jsonFaults(JSON.parse(text), JSON.parse(stdout)) : textFaults(text, stdout);
        return wrong.length === 0 ? [] : [`${page}:${block.line} shows\n${wrong.join('\n')}\nbut it prints\n${stdout}`];
      });
      expect(faults).toEqual([]);
    },
    10 * MINUTE_MS,
  );
});

it('README.md and docs/demo.md show what the demo prints', () => {
  const shown = allBlocks().filter(({ page, text }) => page === 'README.md' && text.includes('Is it right?'));
  const [, inDemo = ''] =
    /^ {4}(Is it right\?\n(?: {6}.*\n)+)/m.exec(readFileSync(join(ROOT, 'docs/demo.md'), 'utf8')) ?? [];
  expect([shown.length, inDemo.split('\n').length]).toEqual([1, 7]);
  for (const text of [shown[0]?.text ?? '', inDemo]) expect(textFaults(text, opened.demo)).toEqual([]);
});
