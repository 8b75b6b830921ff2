/**
 * The rules of ARCHITECTURE.md, held by reading the files themselves. Each rule is tried on made-up files that break it first, so that none
 * of them can pass because it sees nothing.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type SourceTree, sourceTree } from '../helpers/source_tree.ts';
import { CASES } from '../helpers/tidy_cases.ts';
import {
  breachesOf,
  databaseUsers,
  importsWithoutEnding,
  langsmithImportedAtLoad,
  loops,
  shapesLoadedByReaders,
  vagueNames,
  WALLS,
} from '../helpers/tidy_imports.ts';
import {
  brokenLinks,
  changelogFaults,
  dependencyFaults,
  machineTraces,
  missingSql,
  unusedSql,
} from '../helpers/tidy_repository.ts';
import {
  consoleCalls,
  emptyCatches,
  environmentReaders,
  filesWithoutHead,
  longFiles,
  looseTypes,
  sqlInCode,
  unheldTests,
} from '../helpers/tidy_text.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const LINES_MAX = 300;

/** Longer than the limit when it was set. Numbers only ever go down. */
const LONG_FILES: Readonly<Record<string, number>> = {
  'test/flow/cli.test.ts': 361,
  'test/flow/otlp-http-sockets.test.ts': 321,
  'test/flow/parked.test.ts': 321,
  'test/flow/samples.test.ts': 464,
  'test/helpers/otlp.ts': 309,
  'test/sql/derive.test.ts': 390,
  'test/unit/decode_bad_json.test.ts': 424,
  'test/unit/decode_bad_protobuf.test.ts': 316,
  'test/unit/map_keys.test.ts': 385,
  'test/unit/map_rows.test.ts': 350,
  'test/unit/sdk_run.test.ts': 327,
};

/** The parts of a run know the place they stand in, and the place knows them, by their types alone. The list only gets shorter. */
const SDK_LOOP: readonly string[] = [
  'sdk/context.ts',
  'sdk/event_sink.ts',
  'sdk/item.ts',
  'sdk/logs.ts',
  'sdk/marker.ts',
  'sdk/open_span.ts',
  'sdk/run.ts',
  'sdk/stage.ts',
  'sdk/vendor.ts',
];

const isOurs = (path: string) => !path.startsWith('test/fixtures/');
const tree = readRepository();
const code = filtered(tree, (path) => /\.(m?ts|tsx)$/.test(path) && isOurs(path));

const product = filtered(code, (path) => /^(sdk|client|receiver|demo|dashboard)\//.test(path));

/** Every file that is tracked, or would be at the next commit. */
function readRepository(): SourceTree {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  const paths = list
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)));
  return sourceTree(Object.fromEntries(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')])));
}

function filtered(from: SourceTree, keep: (path: string) => boolean): SourceTree {
  return new Map([...from].filter(([path]) => keep(path)));
}

interface Rule {
  check: (tree: SourceTree) => string[];
  /** What it is asked about the repository. */
  on: SourceTree;
}

const wall = (name: string): Rule['check'] => {
  const found = WALLS[name];
  if (found === undefined) throw new Error(`there is no wall "${name}"`);
  return (files) => breachesOf(found, files);
};

const RULES: Record<string, Rule> = {
  'sdk/attributes.ts imports nothing': {
    check: wall('sdk/attributes.ts imports nothing'),
    on: code,
  },
  'sdk imports itself, Node.js and OpenTelemetry': {
    check: wall('sdk imports itself, Node.js and OpenTelemetry'),
    on: code,
  },
  'LangSmith is only ever asked for while the program runs': {
    check: langsmithImportedAtLoad,
    on: code,
  },
  'decode imports itself and limits.ts, and does no I/O': {
    check: wall('decode imports itself and limits.ts, and does no I/O'),
    on: code,
  },
  'map imports itself, limits.ts, the shape of decode and the names of the SDK, and does no I/O': {
    check: wall('map imports itself, limits.ts, the shape of decode and the names of the SDK, and does no I/O'),
    on: code,
  },
  'write never sees requests: shapes come through map': {
    check: wall('write never sees requests: shapes come through map'),
    on: code,
  },
  'the receiver takes from the SDK only the names': {
    check: wall('the receiver takes from the SDK only the names'),
    on: code,
  },
  'the dashboard imports itself, and of the receiver the shapes of answers': {
    check: wall('the dashboard imports itself, and of the receiver the shapes of answers'),
    on: code,
  },
  'the client imports itself, and of the receiver the shapes of answers': {
    check: wall('the client imports itself, and of the receiver the shapes of answers'),
    on: code,
  },
  'the dashboard and the client take types from the shapes and nothing that runs': {
    check: shapesLoadedByReaders,
    on: code,
  },
  'the product imports neither tests, benchmarks nor examples': {
    check: wall('the product imports neither tests, benchmarks nor examples'),
    on: code,
  },
  'only tests and benchmarks import from test': {
    check: wall('only tests and benchmarks import from test'),
    on: code,
  },
  'only write, store, derive, serve, embedded and cli touch the database': {
    check: databaseUsers,
    on: code,
  },
  'no file imports itself through others': {
    check: (files) => loops(files, files === product ? SDK_LOOP : []),
    on: product,
  },
  'relative imports name the file as it is': {
    check: importsWithoutEnding,
    on: code,
  },
  'no file is called by a word that fits anything': {
    check: vagueNames,
    on: tree,
  },
  'the environment is read in one place': {
    check: environmentReaders,
    on: code,
  },
  'no any, and nothing the compiler is told to overlook': {
    check: looseTypes,
    on: code,
  },
  'no catch is empty': {
    check: emptyCatches,
    on: code,
  },
  'nothing is printed past the log': {
    check: consoleCalls,
    on: code,
  },
  'no test is left out or runs alone': {
    check: unheldTests,
    on: code,
  },
  'SQL stands in .sql files': {
    check: sqlInCode,
    on: code,
  },
  'every SQL file is loaded': {
    check: unusedSql,
    on: tree,
  },
  'every SQL file that is asked for is there': {
    check: missingSql,
    on: tree,
  },
  'every dependency is used and every use is a dependency': {
    check: dependencyFaults,
    on: filtered(tree, (path) => code.has(path) || path === 'package.json'),
  },
  'no file tells of a registry or of the machine it was written on': {
    check: machineTraces,
    on: filtered(tree, isOurs),
  },
  'every link of a document leads somewhere': {
    check: (files) => brokenLinks(files, (path) => files === tree && existsSync(join(ROOT, path))),
    on: tree,
  },
  'a file of the product begins with what it is for': {
    check: filesWithoutHead,
    on: code,
  },
};

describe.each(Object.entries(RULES))('%s', (name, { check, on }) => {
  test('holds', () => expect(check(on)).toEqual([]));

  test('is seen when broken, and only then', () => {
    const { broken, fine } = CASES[name] ?? { broken: [], fine: [] };
    expect(broken.length).toBeGreaterThan(0);
    for (const files of broken) expect(check(sourceTree(files)), JSON.stringify(files)).not.toEqual([]);
    for (const files of fine) expect(check(sourceTree(files)), JSON.stringify(files)).toEqual([]);
  });
});

test('files stay short, and long ones only shrink', () => {
  expect(longFiles(code, LINES_MAX, LONG_FILES)).toEqual([]);
});

test('a file that grows past the limit, or past its exception, or no longer needs it, is seen', () => {
  const lines = (count: number) => sourceTree({ 'sdk/a.ts': 'x;\n'.repeat(count) });
  expect(longFiles(lines(10), 10, {})).toEqual([]);
  expect(longFiles(lines(11), 10, {})).toHaveLength(1);
  expect(longFiles(lines(11), 10, { 'sdk/a.ts': 12 })).toEqual([]);
  expect(longFiles(lines(13), 10, { 'sdk/a.ts': 12 })).toHaveLength(1);
  expect(longFiles(lines(10), 10, { 'sdk/a.ts': 12 })).toHaveLength(1);
});

test('the changelog says what comes next', () => {
  expect(changelogFaults(tree.get('CHANGELOG.md')?.text ?? '')).toEqual([]);
  expect(changelogFaults('# Changelog\n## [1.0.0]\n### Added\n- a')).toHaveLength(1);
  expect(changelogFaults('## [Unreleased]\n## [1.0.0]\n### Added\n- a')).toHaveLength(1);
  expect(changelogFaults('## [Unreleased]\n### Improved\n- a')).toHaveLength(1);
});

test('the scanner tells code, comments, strings, templates and regular expressions apart', () => {
  const text = [
    "const a = 'x // y'; // import 'z'",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a template that the scanner reads
    'const b = `one ${f({ c: `in ${d}` })} two`;',
    "const e = /['\"`]\\//.test(g) ? h / i : j / k; /* import 'z' */",
    'import {\n  type K,\n} from "./k.ts";',
  ].join('\n');
  const file = sourceTree({ 'sdk/s.ts': text }).get('sdk/s.ts');
  expect(file?.strings.map(({ value }) => value)).toEqual(['x // y', 'one ', 'in ', '', ' two', './k.ts']);
  expect(file?.imports).toEqual([{ from: './k.ts', path: 'sdk/k.ts', isType: false, isDynamic: false }]);
  expect(file?.code).toHaveLength(text.length);
  expect(file?.code).toContain('? h / i : j / k;');
});

test('the scanner reads tags: their slashes begin no regular expression, and a lone apostrophe no string', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a template that the scanner reads
  const text = ['const a = <p class={b}>', "it's {f(`x ${c}`)} <br />{d}", "</p>; const e = '/>'; // 'g'"].join('\n');
  const file = sourceTree({ 'dashboard/s.tsx': text }).get('dashboard/s.tsx');
  expect(file?.strings.map(({ value }) => value)).toEqual(['x ', '', '/>']);
  expect(file?.comments).toEqual(["// 'g'"]);
});
