/** What the files of deploy read from the environment, for docs/reference/environment.md: the words of their heads, the defaults of their text. */

import { cell, code, table } from './reference_text.ts';

export interface DeployFile {
  path: string;
  text: string;
}

interface FileVariable {
  name: string;
  meaning: string;
  /** As the head of the file says it; null: none. */
  told: string | null;
}

const LINE = /^# {3}((?:[A-Z][A-Z0-9_]+(?:, )?)+)(?: {2,}(\S.*?))?(?: {2,}(\S.*))?$/;

/** Lines of the head: "#   NAME, OTHER   meaning   default, default". */
export function headVariables(text: string): FileVariable[] {
  const head = text.slice(0, text.search(/^[^#\n]/m));
  return head.split('\n').flatMap((line) => {
    const [, names, first = '', last] = LINE.exec(line) ?? [];
    if (names === undefined) return [];
    const list = names.split(', ');
    const [meaning, told] = last === undefined && list.length > 1 ? ['', first] : [first, last ?? ''];
    const defaults = told.split(', ');
    return list.map((name, index) => {
      const inWords = /^(\S+) \(the default\)/.exec(meaning)?.[1];
      const own = told === '(no default)' || meaning === '(no default)' ? null : (inWords ?? defaults[index] ?? '');
      const each = meaning.split('; ');
      const about = each.length === list.length ? (each[index] ?? '') : meaning;
      return { name, meaning: about === '(no default)' ? '' : about, told: own };
    });
  });
}

/** What the text really reads: the default by the name of the variable, null without one. */
export function readVariables(text: string): Map<string, string | null> {
  const body = text.slice(text.search(/^[^#\n]/m));
  return new Map(
    [...body.matchAll(/\$\{env:([A-Z0-9_]+)(?::-([^}]*))?\}/g)].map(([, name = '', value]) => [name, value ?? null]),
  );
}

/** Where the head of a file and its text do not say the same. */
export function deployFaults({ path, text }: DeployFile): string[] {
  const [told, read] = [headVariables(text), readVariables(text)];
  const silent = [...read.keys()].filter((name) => !told.some((one) => one.name === name));
  const gone = told.filter(({ name }) => !read.has(name));
  const wrong = told.filter((one) => read.has(one.name) && one.told !== read.get(one.name));
  return [
    ...silent.map((name) => `${path} does not tell of ${name}`),
    ...gone.map(({ name }) => `${path} tells of ${name} and does not read it`),
    ...wrong.map((one) => `${path} tells ${one.told} of ${one.name}, which is ${read.get(one.name)}`),
  ];
}

export function deployTables(files: readonly DeployFile[]): string {
  return files
    .map(({ path, text }) => {
      const rows = headVariables(text).map(({ name, meaning, told }) => [
        code(name),
        told === null ? 'needed' : code(told),
        cell(meaning),
      ]);
      return `## ${path}\n\n${table(['variable', 'default', 'meaning'], rows)}`;
    })
    .join('\n');
}
