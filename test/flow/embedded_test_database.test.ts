/** The tests' own databases: if these leak into each other or into the next run, no other test can be believed. */
import { expect, test } from 'vitest';
import { createEmptyDatabase, createTestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/database_admin.ts';

const countTables = "select count(*)::int as count from pg_tables where schemaname in ('public', 'runledger')";

test('an empty database holds no table of ours', async () => {
  const database = await createEmptyDatabase();
  try {
    const { rows } = await withClient(database.databaseUrl, (client) => client.query<{ count: number }>(countTables));
    expect(rows[0]?.count).toBe(0);
  } finally {
    await database.drop();
  }
});

test('a test database is migrated, and what one test writes is not in the next one', async () => {
  const [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  try {
    await withClient(first.databaseUrl, (client) => client.query('create table public.only_in_first (id int)'));
    const { rows } = await withClient(second.superuserUrl, (client) =>
      client.query<{ runs: string | null; leaked: string | null }>(
        "select to_regclass('public.enrichment_runs')::text as runs, to_regclass('public.only_in_first')::text as leaked",
      ),
    );
    expect(rows[0]).toEqual({ runs: 'enrichment_runs', leaked: null });
  } finally {
    await Promise.all([first.drop(), second.drop()]);
  }
});

test('a database can be dropped under an open session', async () => {
  const database = await createEmptyDatabase();
  const lost = withClient(database.databaseUrl, async (client) => {
    await database.drop();
    return client.query('select 1');
  });
  await expect(lost).rejects.toThrow();
});
