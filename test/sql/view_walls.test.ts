/** Each view as each role that may look at it: the same rows of a tenant, nothing of a neighbour, and money that stays exact. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTenant } from '../../receiver/store/pool.ts';
import { PUBLIC_VIEWS } from '../helpers/catalogue_rights.ts';
import { type PlainRow, plainRows } from '../helpers/plain_rows.ts';
import { MINE, OTHER } from '../helpers/seed_tenants.ts';
import { openViewDatabase, type ViewDatabase } from '../helpers/view_database.ts';
import { makeRuns } from '../helpers/view_model.ts';

const NUMERIC_OID = 1700;

let opened: ViewDatabase;
beforeAll(async () => {
  opened = await openViewDatabase(makeRuns());
});
afterAll(() => opened.close());

describe.each(PUBLIC_VIEWS)('%s', (view) => {
  it('shows a tenant the same by BI login, by reader and by operator, and never a neighbour', async () => {
    const { operator, reader, bi } = opened;
    const own = `select * from ${view} where tenant_id = ${MINE}`;
    const rows = sorted(plainRows(await operator.query(own)));
    expect(rows.length).toBeGreaterThan(0);
    expect(sorted(plainRows(await bi.query(`select * from ${view}`)))).toEqual(rows);
    const read = await inTenant(reader, MINE, (client) => client.query(`select * from ${view}`));
    expect(sorted(plainRows(read))).toEqual(rows);
    const tenants = await operator.query(`select distinct tenant_id from ${view} order by 1`);
    expect(tenants.rows).toEqual([{ tenant_id: MINE }, { tenant_id: OTHER }]);
  });

  it('is empty for a reader without a tenant and whoever asks for the neighbour', async () => {
    const { reader, bi } = opened;
    expect((await reader.query(`select * from ${view}`)).rows).toEqual([]);
    expect((await bi.query(`select * from ${view} where tenant_id = ${OTHER}`)).rows).toEqual([]);
    await bi.query(`set app.tenant_id = '${OTHER}'`);
    const seen = await bi.query(`select distinct tenant_id from ${view}`);
    expect(seen.rows).toEqual([{ tenant_id: MINE }]);
    await bi.query('reset app.tenant_id');
  });

  it('says what it is, and keeps money exact', async () => {
    const { superuser } = opened;
    const { rows, fields } = await superuser.query(`select obj_description('public.${view}'::regclass) as text`);
    expect([view, fields.length, rows[0].text?.length > 30]).toEqual([view, 1, true]);
    const money = (await superuser.query(`select * from ${view} limit 0`)).fields.filter(({ name }) =>
      name.includes('cost_usd'),
    );
    for (const field of money) expect([field.name, field.dataTypeID]).toEqual([field.name, NUMERIC_OID]);
  });
});

it('no view reads events, so that none waits for millions of rows or goes wrong when they are dropped', async () => {
  const { rows } = await opened.superuser.query(
    `select distinct v.relname::text as view, t.relname::text as table_name from pg_rewrite r
     join pg_class v on v.oid = r.ev_class and v.relkind = 'v' and v.relnamespace = 'public'::regnamespace
     join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
     join pg_class t on t.oid = d.refobjid and t.oid <> v.oid
     where v.relname = any ($1)`,
    [PUBLIC_VIEWS],
  );
  expect(new Set(rows.map(({ view }) => view)).size).toBe(PUBLIC_VIEWS.length);
  expect(rows.filter(({ table_name }) => table_name === 'run_event_logs')).toEqual([]);
});

function sorted(rows: PlainRow[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
