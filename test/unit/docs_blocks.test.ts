/** No page has a block that nobody executes: each fence has a runner, or stands in one list with the test that holds it or the reason why none can. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allBlocks, blocksOf, elsewhereOf, pagePaths, ROOT, runnerOf } from '../helpers/docs_blocks.ts';
import { ELSEWHERE } from '../helpers/docs_elsewhere.ts';
import { jsonFaults, shapeOfLine, textFaults } from '../helpers/docs_shape.ts';

const blocks = allBlocks();

describe.each(pagePaths())('%s', (page) => {
  it('has no block that nobody executes', () => {
    const idle = blocks.filter((block) => block.page === page && runnerOf(block) === null);
    expect(idle.map(({ line, language, text }) => `${page}:${line} [${language}] ${text.split('\n')[0]}`)).toEqual([]);
  });
});

it('there are blocks, and a block without a runner is seen', () => {
  expect(blocks.length).toBeGreaterThan(100);
  const [ada] = blocksOf('docs/x.md', '```ada\nbegin\n```\n');
  if (ada === undefined) throw new Error('the block was not found');
  expect(runnerOf(ada, [])).toBeNull();
  const why = 'nobody has Ada';
  expect(runnerOf(ada, [{ page: 'docs/', has: 'begin', why }])).toMatchObject({ why });
  expect(runnerOf(ada, [{ page: 'docs/x.md', has: 'end', why }])).toBeNull();
  expect(() => blocksOf('docs/x.md', '```sh\nls\n')).toThrow('does not end');
});

it('a block of output belongs to the commands right above it', () => {
  const shown = blocksOf('docs/x.md', '```sh\nls\n```\n\n```text\na\n```\n\nOr\n\n```text\nb\n```\n');
  expect(shown.map(({ isOutput }) => isOutput)).toEqual([false, true, false]);
});

describe.each(ELSEWHERE)('$page "$has": $why', (entry) => {
  it('is still there, and the test that is named knows the page', () => {
    const found = blocks.filter((block) => elsewhereOf(block) === entry);
    expect(found.length).toBeGreaterThan(0);
    if (entry.by === undefined) return;
    expect(existsSync(ROOT + entry.by)).toBe(true);
    const [folder = ''] = entry.page
      .split('/')
      .filter((part) => part !== '')
      .slice(-1);
    expect(readFileSync(ROOT + entry.by, 'utf8')).toContain(folder);
  });
});

describe('what a page shows is compared with what is printed', () => {
  it('numbers, times and widths may differ', () => {
    expect(shapeOfLine('  crawl  ok  1 m 59 s  ─────')).toBe(shapeOfLine(' crawl ok   12.5 ms ──'));
    expect(shapeOfLine('run 4711 at 2026-11-22T01:30:00Z cost $1.20')).toBe('run # at # cost #');
    expect(textFaults('stage  took\ncrawl  1 s\n', 'stage took\ncrawl 20 ms\nscore 3 s\n')).toEqual([]);
    const ticking = '✓ jobs  the clock ticks and no job waits with an error';
    expect(textFaults(ticking, '✓ jobs  started a moment ago')).toEqual([]);
  });

  it('other words and other columns are seen', () => {
    expect(textFaults('stage  took\n', 'stage  state  took\n')).toEqual(['stage  took']);
    expect(textFaults('all 5 are well\n', 'all 5 are ill\n')).toEqual(['all 5 are well']);
  });

  it('members of JSON must be there as what they are shown as', () => {
    expect(jsonFaults({ a: 1, b: [{ c: 'x' }] }, { a: 2, b: [{ c: 'y', d: 1 }], e: 0 })).toEqual([]);
    expect(jsonFaults({ a: 1 }, { b: 1 })).toEqual(['a is shown and is not there']);
    expect(jsonFaults({ a: '1' }, { a: 1 })).toEqual(['a is shown as string and is number']);
    expect(jsonFaults({ a: [1] }, { a: [] })).toEqual(['a is shown with entries and has none']);
  });
});
