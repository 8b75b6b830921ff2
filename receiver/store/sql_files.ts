/** Which SQL files a migration applies, in which order and wording. */

import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadSql, SQL_FOLDER } from './sql.ts';

export interface SqlFile {
  /** Below sql/, without the ending: `migrations/0001_tables`. */
  path: string;
  /** Without the folder: `0001_tables`. */
  name: string;
  text: string;
  sha256: string;
}

export const MIGRATIONS_FOLDER = join(SQL_FOLDER, 'migrations');

/** The files of one folder below sql/, by name in bytes. */
export function listSqlFiles(folder: 'migrations' | 'functions' | 'views'): SqlFile[] {
  return readdirSync(join(SQL_FOLDER, folder))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort()
    .map((name) => {
      const path = `${folder}/${name}`;
      const text = loadSql(path);
      return { path, name, text, sha256: createHash('sha256').update(text).digest('hex') };
    });
}

/** Functions, then views: their current text is what the database should have, so they are not migrations. */
export function listDefinitions(): SqlFile[] {
  return [...listSqlFiles('functions'), ...listSqlFiles('views')];
}

const ADOPTED_SECTION = /^\s*-- adopted: begin$([\s\S]*?)^\s*-- adopted: end$/gm;

/** What a migration does to enrichment_runs, as far as it also holds for an adopted one; undefined when it does nothing there. */
export function adoptedSection(file: SqlFile): SqlFile | undefined {
  const text = [...file.text.matchAll(ADOPTED_SECTION)].map((match) => match[1] ?? '').join('\n');
  if (text.trim() === '') return undefined;
  return {
    path: `adopted/${file.name}`,
    name: file.name,
    text,
    sha256: createHash('sha256').update(text).digest('hex'),
  };
}
