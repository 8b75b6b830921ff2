/** docs/sql.md against the database: every view with every column, examples that work as a tenant, and the login as it is described. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_VIEWS } from '../helpers/catalogue_rights.ts';
import { readQuestions } from '../helpers/dashboards.ts';
import { explainedKeys, sqlBlocksOf } from '../helpers/runbooks.ts';
import { asLogin, MINE } from '../helpers/seed_tenants.ts';
import { openViewDatabase, type ViewDatabase } from '../helpers/view_database.ts';
import { makeRuns } from '../helpers/view_model.ts';

const TEXT = readFileSync(new URL('../../docs/sql.md', import.meta.url), 'utf8');
const SECTIONS = new Map(
  TEXT.split(/^## /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end)] as const;
    }),
);

let opened: ViewDatabase;
beforeAll(async () => {
  opened = await openViewDatabase(makeRuns());
});
afterAll(() => opened.close());

/** Latency trends -> latency_trends */
const viewOf = (title: string) => title.toLowerCase().replaceAll(' ', '_');

describe.each(PUBLIC_VIEWS)('%s', (view) => {
  const section = [...SECTIONS].find(([title]) => viewOf(title) === view)?.[1] ?? '';

  it('is described with all its columns and no other', async () => {
    const { fields } = await opened.superuser.query(`select * from ${view} limit 0`);
    expect(explainedKeys(section).sort()).toEqual(fields.map(({ name }) => name).sort());
  });

  it('has an example that works', async () => {
    const examples = sqlBlocksOf(section);
    expect(examples).toHaveLength(1);
    for (const example of examples) {
      expect(example).toContain(`from ${view}`);
      expect((await opened.bi.query(example)).rows.length).toBeGreaterThan(0);
    }
  });
});

it('Metabase questions are all listed', () => {
  const listed = explainedKeys(SECTIONS.get('Metabase') ?? '').filter((key) => key.endsWith('.sql'));
  expect(listed.sort()).toEqual(
    readQuestions()
      .map(({ file }) => file)
      .sort(),
  );
});

it('a login made as described sees its tenant, and is gone when it is taken away', async () => {
  const block = /^```\n([\s\S]*?)^```$/m.exec(SECTIONS.get('A login for a BI tool') ?? '')?.[1] ?? '';
  const name = `runledger_bi_${MINE}_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(9).toString('hex');
  const statements = block.replaceAll(`runledger_bi_${MINE}`, name).replace("'...'", `'${password}'`);
  expect(statements).toContain(`password '${password}'`);
  const { databaseUrl } = opened;
  const administrator = new pg.Client({ connectionString: databaseUrl });
  await administrator.connect();
  await administrator.query(statements);
  const analyst = new pg.Client({ connectionString: asLogin(databaseUrl, name, password) });
  await analyst.connect();
  try {
    expect((await analyst.query('select distinct tenant_id from runs')).rows).toEqual([{ tenant_id: MINE }]);
    expect((await analyst.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '30s' }]);
    await administrator.query('delete from runledger.bi_logins where login_name = $1', [name]);
    expect((await analyst.query('select tenant_id from runs')).rows).toEqual([]);
  } finally {
    await analyst.end();
    await administrator.query(`reset role; drop role ${name}`);
    await administrator.end();
  }
});
