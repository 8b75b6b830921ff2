/** Reads the .sql files of the package by name, from the source tree and from dist/ alike. All SQL text lives in them, none in code. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const texts = new Map<string, string>();

/** The folder that holds package.json and sql/: two levels up from the source, three from dist/. */
function findPackageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'sql', 'migrations'))) return folder;
  }
  throw new Error(`No folder above ${start} holds package.json and sql/migrations: the installation is incomplete`);
}

/** Absolute path of the package's folder. */
export const PACKAGE_ROOT = findPackageRoot();

/** Absolute path of the package's folder `sql`. */
export const SQL_FOLDER = join(PACKAGE_ROOT, 'sql');

/**
 * The text of one SQL file, read once.
 * @param path below sql/ and without the ending: `queries/run` is sql/queries/run.sql
 * @throws Error (ENOENT) when there is no such file
 */
export function loadSql(path: string): string {
  const known = texts.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(SQL_FOLDER, `${path}.sql`), 'utf8');
  texts.set(path, text);
  return text;
}
