/** Rules over runs as the product itself leaves them: received, derived, abandoned, corrected; and over a table that an application made. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abandonSilentRuns } from '../../receiver/derive/abandon.ts';
import { loadRules } from '../../receiver/derive/alerts/load_rules.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { migrate } from '../../receiver/store/migrate.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { findingsOf, verdictsOf } from '../helpers/alert_runs.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import { withClient } from '../helpers/seed_tenants.ts';

const databases: TestDatabase[] = [];
const pools: Pool[] = [];
let owner: Pool;

function ownerOf(database: TestDatabase): Pool {
  databases.push(database);
  const pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  pools.push(pool);
  return pool;
}

beforeAll(async () => {
  owner = ownerOf(await createTestDatabase());
  await createDays(owner, '2026-03-01', '2026-03-02');
});
afterAll(async () => {
  for (const pool of pools) await pool.end();
  for (const database of databases) await database.drop();
});

const at = (time: string) => new Date(`2026-03-01T${time}:00Z`);

function items(count: number, errors: number, time: string) {
  return Array.from({ length: count }, (_, index) =>
    ledgerRow({
      tenant_id: 1,
      run_id: 7,
      kind: 'item',
      ts: at(time).toISOString(),
      status: index < errors ? 'error' : 'ok',
      duration_ms: 5,
    }),
  );
}

async function derive(): Promise<void> {
  const { failures } = await deriveDue(owner, { all: true });
  expect(failures).toEqual([]);
}

it('judge a run when it has ended and was derived since, through an end, a reopening, an abandonment and its correction', async () => {
  const crawl = (time: string) => verdictsOf(owner, 'crawl_error_rate', at(time).toISOString());
  const stuck = (time: string) => verdictsOf(owner, 'run_stuck', at(time).toISOString());

  await writeRows(owner, items(40, 25, '10:00'), { status: 'running', now: at('10:00') });
  await derive();
  expect(await crawl('10:01')).toEqual([]);

  await writeRows(owner, items(1, 0, '10:02'), { status: 'succeeded', now: at('10:02') });
  expect(await crawl('10:03')).toEqual([]);
  await derive();
  expect(await crawl('10:03')).toEqual(['bad page crawl']);

  await writeRows(owner, items(1, 0, '10:04'), { status: 'running', now: at('10:04') });
  expect(await crawl('10:05')).toEqual([]);
  expect(await stuck('10:33')).toEqual([]);
  expect(await stuck('10:34')).toEqual(['bad page silent']);

  expect(await abandonSilentRuns(owner, at('10:35'))).toBe(1);
  expect(await stuck('10:35')).toEqual(['bad page silent']);
  expect(await crawl('10:35')).toEqual([]);
  await derive();
  expect(await stuck('10:35')).toEqual(['bad page silent']);
  expect(await crawl('10:35')).toEqual(['bad page crawl']);

  await writeRows(owner, items(200, 0, '10:40'), { status: 'succeeded', now: at('10:40') });
  await derive();
  expect(await stuck('10:41')).toEqual([]);
  expect(await crawl('10:41')).toEqual([]);
});

it('answer over an enrichment_runs that an application made, and leave its own rows alone', async () => {
  const database = await createEmptyDatabase();
  const adopted = ownerOf(database);
  await withClient(database.superuserUrl, async (client) => {
    await client.query(`create table public.enrichment_runs (
      run_id bigserial primary key, tenant_id int not null, started_at timestamptz default now(), ended_at timestamptz,
      status text not null default 'running', batch_name text)`);
    await client.query(`insert into public.enrichment_runs (tenant_id, started_at, ended_at, status) values
      (7, '2026-03-01 01:00Z', null, 'running'), (7, '2026-03-01 02:00Z', '2026-03-01 03:00Z', 'failed'), (7, null, null, 'failed'),
      (7, '2026-03-01 04:00Z', '2026-03-01 05:00Z', 'done')`);
  });
  await migrate({ databaseUrl: database.databaseUrl, adopt: true });
  const client = await adopted.connect();
  const { rules } = await loadRules(client).finally(() => client.release());
  for (const { rule } of rules) {
    const bad = (await findingsOf(adopted, rule, at('12:00').toISOString())).filter(({ verdict }) => verdict === 'bad');
    expect([rule, bad]).toEqual([rule, []]);
  }
});

describe('what rules look at', () => {
  it("is nobody else's: readers, BI logins and operators may not read it", async () => {
    const { rows } = await owner.query(
      `select r.rolname, has_table_privilege(r.rolname, 'runledger.watched_runs', 'SELECT') as may
       from pg_roles r where r.rolname in ('runledger_reader', 'runledger_bi', 'runledger_ingest', 'runledger_operator') order by 1`,
    );
    expect(rows.map(({ may }) => may)).toEqual([false, false, false, false]);
  });
});
