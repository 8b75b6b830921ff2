/** The pages of docs/reference are what the code and the database say; UPDATE_DOCS=1 writes them anew. */

import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ATTR } from '../../sdk/attributes.ts';
import { PUBLIC_VIEWS } from '../helpers/catalogue_rights.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import {
  attributesOf,
  attributesPage,
  COLUMNS,
  type Column,
  RULES,
  type RuleRow,
  rulesPage,
  tablesPage,
} from '../helpers/reference_pages.ts';
import { PUBLIC_TABLES } from '../helpers/seed_tenants.ts';

const ROOT = new URL('../../', import.meta.url);
const SOURCE = readFileSync(new URL('sdk/attributes.ts', ROOT), 'utf8');

let database: TestDatabase;
let superuser: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
});
afterAll(async () => {
  await superuser.end();
  await database.drop();
});

function expectPage(path: string, text: string): void {
  const page = new URL(`docs/reference/${path}`, ROOT);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, text);
  expect(readFileSync(page, 'utf8')).toBe(text);
}

it('docs/reference/attributes.md has every attribute with where it stands and what it means', () => {
  expectPage('attributes.md', attributesPage(attributesOf(SOURCE, Object.values(ATTR))));
});

it('an attribute without such a line is told, so that none comes without words', () => {
  const silent = SOURCE.replace(/ {2}\/\*\* .*\n(?= {2}kind: )/, '');
  expect(silent).not.toBe(SOURCE);
  expect(() => attributesOf(silent, Object.values(ATTR))).toThrow('runledger.kind');
});

it('docs/reference/tables.md has every public table and view with its columns, and each says what it is', async () => {
  const { rows } = await superuser.query<Column>(COLUMNS);
  const relations = new Set(rows.map(({ relation }) => `public.${relation}`));
  expect([...relations].sort()).toEqual([...PUBLIC_TABLES, ...PUBLIC_VIEWS.map((view) => `public.${view}`)].sort());
  for (const { relation, about } of rows) expect([relation, about?.length ?? 0]).not.toEqual([relation, 0]);
  expectPage('tables.md', tablesPage(rows));
});

it('docs/reference/rules.md has every rule of a new ledger with what it goes by', async () => {
  const { rows } = await superuser.query<RuleRow>(RULES);
  expect(rows.length).toBeGreaterThan(10);
  expectPage('rules.md', rulesPage(rows));
});
