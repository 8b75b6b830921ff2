/**
 * Whoever follows a runbook at night must find what it promises: every rule has a page of the agreed parts, and every block of SQL in it
 * runs as it stands, under the rights of the one who runs it, and shows the trouble that is there and nothing of a neighbour.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headlineOf } from '../../receiver/derive/alerts/message_words.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { type BiLogin, createBiLogin } from '../helpers/bi_login.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { waitForLockWait } from '../helpers/lock_waits.ts';
import { type PlainRow, plainRows } from '../helpers/plain_rows.ts';
import { SHOWN } from '../helpers/runbook_answers.ts';
import {
  explainedKeys,
  numberKeys,
  parseRunbook,
  readRunbookList,
  readRunbooks,
  SECTIONS,
} from '../helpers/runbooks.ts';
import { MINE, withClient } from '../helpers/seed_tenants.ts';
import { judgeNight, SHORT_RUN, seedTrouble } from '../helpers/seed_trouble.ts';

const RUNBOOKS = readRunbooks();
/** In the words of the blocks themselves. */
const PIPELINES_DATABASE = "-- in the pipeline's database";

let database: TestDatabase;
let operator: pg.Pool;
let bi: BiLogin;

beforeAll(async () => {
  database = await createTestDatabase();
  await seedTrouble(database.superuserUrl);
  operator = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_operator', maxConnections: 2 });
  bi = await createBiLogin(database, MINE);
});
afterAll(async () => {
  await Promise.all([operator.end(), bi.drop()]);
  await database.drop();
});

interface Block {
  name: string;
  sql: string;
  shown: PlainRow[];
}

const BLOCKS: Block[] = RUNBOOKS.flatMap(({ code, sqlBlocks }) =>
  sqlBlocks.map((sql, place) => ({ name: `${code}, block ${place + 1}`, sql, shown: SHOWN[code]?.[place] ?? [] })),
);
const inLedger = BLOCKS.filter(({ sql }) => !sql.startsWith(PIPELINES_DATABASE));
const forTenants = inLedger.filter(({ sql }) => !sql.includes('runledger.'));

function expectShown(rows: PlainRow[], shown: PlainRow[]): void {
  expect(shown.length).toBeGreaterThan(0);
  for (const row of shown) expect(rows).toContainEqual(expect.objectContaining(row));
  expect(rows[0]).toMatchObject(shown[0] ?? {});
}

describe('pages', () => {
  it('there is one for each rule, and none without a rule', async () => {
    const { rows } = await operator.query<{ code: string }>(
      'select distinct code from runledger.alert_rules order by 1',
    );
    expect(RUNBOOKS.map(({ code }) => code).sort()).toEqual(rows.map(({ code }) => code));
    expect(rows).toHaveLength(14);
  });

  it.each(RUNBOOKS)('$code has all parts in their order, with something in each, and SQL to look with', (runbook) => {
    expect(runbook.title).toMatch(new RegExp(`^${runbook.code}: \\S`));
    expect(runbook.sections.map(([name]) => name)).toEqual(SECTIONS);
    for (const [name, text] of runbook.sections) expect([name, text.length > 40]).toEqual([name, true]);
    expect(runbook.sqlBlocks.length).toBeGreaterThanOrEqual(3);
  });

  it('a page without a part, or with an empty one, is seen', () => {
    const page = parseRunbook('XX-99', '# XX-99: x\n\n## Symptom\n\ntext\n\n## Checks\n\n```sql\nselect 1;\n```\n');
    expect(page.sections.map(([name]) => name)).not.toEqual(SECTIONS);
    expect(page.sqlBlocks).toEqual(['select 1;\n']);
  });

  it('the list links each of them', () => {
    const list = readRunbookList();
    for (const { code, title } of RUNBOOKS)
      expect(list).toContain(`[${code}](${code}.md) | ${title.slice(code.length + 2)} |`);
  });

  it('explain every number that a finding of their rules can have, and no other', async () => {
    const { rows } = await operator.query<{ code: string; kind: string }>(
      'select code, kind from runledger.alert_rules',
    );
    for (const { code, sections } of RUNBOOKS) {
      const kinds = rows.filter((rule) => rule.code === code).map(({ kind }) => kind);
      const keys = kinds.flatMap((kind) => numberKeys(loadSql(`jobs/alerts/${kind}`)));
      // A rule that cannot be read is found by the program, not by SQL.
      if (kinds.includes('ingest')) keys.push('problem');
      const section = sections.find(([name]) => name === 'What the numbers mean')?.[1] ?? '';
      expect([code, [...new Set(explainedKeys(section))].sort()]).toEqual([code, [...new Set(keys)].sort()]);
    }
  });

  it('every block has rows that it must show, and nothing is expected of a block that is not there', () => {
    const counts = (of: Record<string, { length: number }>) =>
      Object.fromEntries(Object.entries(of).map(([code, { length }]) => [code, length]));
    const blocks = Object.fromEntries(RUNBOOKS.map(({ code, sqlBlocks }) => [code, sqlBlocks]));
    expect(counts(SHOWN)).toEqual(counts(blocks));
  });
});

describe('checks as an operator', () => {
  it.each(inLedger)('$name shows what is wrong', async ({ sql, shown }) => {
    expectShown(plainRows(await operator.query(sql)), shown);
  });
});

describe("checks as a tenant's BI login", () => {
  it('are most of them', () => expect(forTenants.length).toBeGreaterThan(40));

  it.each(forTenants)('$name shows the same, and nothing of a neighbour', async ({ sql, shown }) => {
    const rows = plainRows(await bi.query(sql));
    expectShown(rows, shown);
    await withClient(database.superuserUrl, async (client) => {
      // Without the neighbour there is nothing else to see: what the login gets must not depend on him.
      await client.query('begin');
      for (const table of [
        'enrichment_runs',
        'run_stage_stats',
        'run_vendor_usage',
        'run_metrics',
        'run_event_logs',
        'qa_samples',
      ])
        await client.query(`delete from public.${table} where tenant_id <> ${MINE}`);
      await client.query(`delete from runledger.alerts where tenant_id <> ${MINE}`);
      await client.query(`delete from runledger.trend_buckets where tenant_id <> ${MINE}`);
      expect(rows).toEqual(plainRows(await client.query(sql)));
      await client.query('rollback');
    });
  });
});

it('what is to be run in the database of the pipeline shows who holds the lock', async () => {
  const blocks = BLOCKS.filter(({ sql }) => sql.startsWith(PIPELINES_DATABASE));
  expect(blocks).toHaveLength(1);
  const pool = new pg.Pool({ connectionString: database.superuserUrl, max: 3 });
  const holder = await pool.connect();
  try {
    await holder.query('begin; lock table public.run_metrics in access exclusive mode');
    const waiting = pool.query('select count(*) from public.run_metrics');
    await waitForLockWait(pool);
    for (const { sql, shown } of blocks) expectShown(plainRows(await pool.query(sql)), shown);
    await holder.query('rollback');
    await waiting;
  } finally {
    holder.release();
    await pool.end();
  }
});

it('a run that was too short is shown by the checks of RS-09 as well, once the silent one is over', async () => {
  await withClient(database.superuserUrl, async (client) => {
    await client.query(`begin;
      update runledger.alerts set state = 'resolved', resolved_at = fired_at where rule = 'run_stuck' and tenant_id = ${MINE}`);
    const usual = RUNBOOKS.find(({ code }) => code === 'RS-09')?.sqlBlocks[3] ?? '';
    const [short, before] = plainRows(await client.query(usual));
    expect(short).toMatchObject({ run_id: SHORT_RUN, status: 'succeeded', minutes: 2 });
    expect(before).toMatchObject({ status: 'succeeded', minutes: 60 });
    await client.query('rollback');
  });
});

describe('the night that they are tried on', () => {
  it('makes every rule fire, for the tenant whose night it was and the installation alone', async () => {
    const { rows } = await operator.query<{ rule: string; tenants: number[] }>(
      `select r.rule, array_agg(distinct a.tenant_id order by a.tenant_id) as tenants from runledger.alert_rules r
       left join runledger.alerts a on a.rule = r.rule and a.state <> 'resolved' group by r.rule`,
    );
    expect(rows).toHaveLength(15);
    for (const { rule, tenants } of rows)
      expect([rule, tenants]).toEqual([rule, rule === 'ingest_health' ? [0, MINE] : [MINE]]);
  });

  it.each(RUNBOOKS)('$code shows its messages word for word', async ({ code, sections }) => {
    const owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 1 });
    const fired = (await judgeNight(owner)).filter(({ rule }) => rule.code === code);
    await owner.end();
    const titles = fired.map(
      ({ rule, subject, numbers, severity }) => `${code} ${headlineOf(rule, subject, numbers, severity ?? 'warn')}`,
    );
    const shown = [...(sections[0]?.[1] ?? '').matchAll(/^ {4}(.+)$|^(?=[A-Z]{2}-\d\d )(.+)$/gm)].map((line) =>
      (line[1] ?? line[2] ?? '').trim(),
    );
    expect(shown.length).toBeGreaterThan(0);
    expect(titles).toEqual(expect.arrayContaining(shown));
    if (code !== 'IN-13') expect(shown.toSorted()).toEqual(titles.toSorted());
  });
});
