/** What product code does not contain. Each rule takes a tree and returns what breaks it, one line each. */

import { lineOf, type SourceFile, type SourceTree } from './source_tree.ts';

export const isProduct = (path: string) => /^(sdk|client|receiver|demo|dashboard)\//.test(path);

function found(files: Iterable<SourceFile>, pattern: RegExp): string[] {
  return [...files].flatMap((file) =>
    [...file.code.matchAll(pattern)].map(
      (match) => `${file.path}:${lineOf(file.text, match.index)} ${match[0].trim().replaceAll(/\s+/g, ' ')}`,
    ),
  );
}

const productFiles = (tree: SourceTree) => [...tree.values()].filter(({ path }) => isProduct(path));

/** The demo takes OpenTelemetry's variables away, because those of whoever tries it belong to another application. */
const ENVIRONMENT_READERS = /^(receiver\/config(_\w+)?\.ts|sdk\/environment\.ts|demo\/perform\.ts)$/;

/** One place each for the receiver and the SDK, so that every variable is known, checked and documented. */
export function environmentReaders(tree: SourceTree): string[] {
  const files = productFiles(tree).filter(({ path }) => !ENVIRONMENT_READERS.test(path));
  return [
    ...found(files, /\bprocess\s*(\.\s*env\b|\[)/g),
    ...files
      .filter((file) => file.imports.some(({ from }) => from === 'node:process' || from === 'process'))
      .map(({ path }) => `${path} imports node:process`),
  ];
}

export function looseTypes(tree: SourceTree): string[] {
  return [
    ...found(productFiles(tree), /(?:[:<,|&(]|=>|\bas|\bextends)\s*any\b(?!\s*[:(.])/g),
    ...productFiles(tree).flatMap((file) =>
      file.comments
        .filter((comment) => /@ts-(ignore|expect-error|nocheck)/.test(comment))
        .map((comment) => `${file.path} ${comment}`),
    ),
  ];
}

/** A comment does not fill a catch: what was caught must change something. */
export function emptyCatches(tree: SourceTree): string[] {
  return found(productFiles(tree), /\bcatch\s*(\(\s*\w*[^)]*\))?\s*\{\s*\}|\.catch\(\s*\([^)]*\)\s*=>\s*\{\s*\}\s*\)/g);
}

export function consoleCalls(tree: SourceTree): string[] {
  return found(productFiles(tree), /\bconsole\s*\.\s*\w+/g);
}

/** A test that is left out holds nothing, and one that runs alone hides all others. An item of the SDK has a skip() too. */
export function unheldTests(tree: SourceTree): string[] {
  return [...tree.values()].flatMap((file) => {
    const names = /import\s*\{([^}]*)\}\s*from\s*'\s*'/g;
    const fromVitest = file.imports.some(({ from }) => from === 'vitest')
      ? [...file.code.matchAll(names)].flatMap((match) => (match[1] ?? '').split(',').map((name) => name.trim()))
      : [];
    const runners = ['test', 'it', 'describe', 'suite'].filter((name) => fromVitest.includes(name));
    if (runners.length === 0) return [];
    return found(
      [file],
      new RegExp(`\\b(?:${runners.join('|')})(?:\\.\\w+)*\\.(?:only|skip|skipIf|runIf|todo|fails)\\b`, 'g'),
    );
  });
}

const STATEMENT =
  /^\s*(select\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|(create|alter|drop)\s+(or\s+replace\s+)?(table|view|function|role|policy|index|schema|database|extension|sequence|type)\s|copy\s+\S+\s*(\(|from\s|to\s)|with\s+(recursive\s+)?\w+\s+as\s|truncate\s|grant\s|revoke\s|lock\s+table|begin\b|commit\b|rollback\b|savepoint\b|set\s+(local|session)\s+\w|set\s+\w+\s*=|set\s+(local\s+)?role\s)/i;

/** The words that open and close a transaction, and the few settings of a connection that take no parameter. */
const TRANSACTION_WORDS = new Set([
  'begin',
  'commit',
  'rollback',
  'begin;',
  'commit;',
  'set role runledger_owner',
  "set lock_timeout = '0'",
  "set lock_timeout = '15s'",
]);

/** Statements in code that are named here and nowhere else, each with its reason. */
const NAMED_STATEMENTS: Readonly<Record<string, string>> = {
  'select set_config($1, $2, true)': 'receiver/store/roles.ts: hands a value to a file of several statements',
  "select set_config('role', 'none', true)": 'receiver/store/adopt.ts: the login itself, for one statement',
  "select set_config('role', 'runledger_owner', true)": 'receiver/store/adopt.ts: and back',
  'set local runledger.login = ': 'receiver/store/roles.ts: text for an administrator, not run',
  'alter table public.enrichment_runs rename to enrichment_runs_before_runledger;':
    'receiver/store/adopt.ts: advice in an error, not run',
};

export function sqlInCode(tree: SourceTree): string[] {
  return productFiles(tree).flatMap((file) =>
    file.strings
      .filter(({ value }) => STATEMENT.test(value))
      .filter(({ value }) => !TRANSACTION_WORDS.has(value.toLowerCase()) && !(value in NAMED_STATEMENTS))
      .map(({ value, offset }) => `${file.path}:${lineOf(file.text, offset)} ${value.trim().slice(0, 60)}`),
  );
}

/**
 * Files over the limit. Those that are there already may shrink and not grow; a file that came under it loses its exception.
 * @param allowed path to its number of lines when it was last looked at
 */
export function longFiles(tree: SourceTree, limit: number, allowed: Readonly<Record<string, number>>): string[] {
  const lines = new Map([...tree.values()].map(({ path, text }) => [path, text.trimEnd().split('\n').length]));
  const grown = [...lines]
    .filter(([path, count]) => count > Math.max(limit, allowed[path] ?? 0))
    .map(([path, count]) => `${path} has ${count} lines; the limit is ${allowed[path] ?? limit}`);
  const cured = Object.keys(allowed)
    .filter((path) => (lines.get(path) ?? 0) <= limit)
    .map((path) => `${path} is within the limit: take its exception away`);
  return [...grown, ...cured];
}

/** A file begins with what it is for. */
export function filesWithoutHead(tree: SourceTree): string[] {
  return productFiles(tree)
    .filter(({ text }) => !/^(#![^\n]*\n)?\s*\/\*\*/.test(text))
    .map(({ path }) => path);
}
