/** Day partitions: made once whoever asks, walled off, in UTC, and never again below the retention floor. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensurePartitions, forgetPartitions } from '../../receiver/store/partitions.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/seed_tenants.ts';

let database: TestDatabase;
let ingest: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  ingest = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 8 });
});

afterAll(async () => {
  await ingest.end();
  await database.drop();
});

async function partitions(): Promise<string[]> {
  return withClient(database.superuserUrl, async (client) => {
    await client.query("set timezone = 'America/New_York'");
    const { rows } = await client.query<{ text: string }>(`
      select c.relname || ' ' || (c.relrowsecurity and c.relforcerowsecurity) || ' ' || pg_get_userbyid(c.relowner) as text
      from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
      where i.inhparent = 'public.run_event_logs'::regclass order by 1`);
    return rows.map((row) => row.text);
  });
}

const insertAt = (ts: string) =>
  ingest.query(
    `insert into public.run_event_logs (run_id, tenant_id, stage, event, status, trace_id, ts, span_id, seq, kind)
     values (1, 1, 's', 'finish', 'ok', 't', $1, 'a', 1, 'stage') returning tableoid::regclass::text as partition`,
    [ts],
  );

it('eight writers that need the same new days at once make each once', async () => {
  const pools = Array.from({ length: 8 }, () =>
    createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 1 }),
  );
  try {
    const days = ['2026-03-02', '2026-03-01', '2026-03-02'];
    const refused = await Promise.all(pools.map((pool) => ensurePartitions(pool, days)));
    expect(refused.flat()).toEqual([]);
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
  }
  expect(await partitions()).toEqual(['events_20260301 true runledger_owner', 'events_20260302 true runledger_owner']);
});

it('a day is the UTC day, whatever zone the session has', async () => {
  await withClient(database.superuserUrl, async (client) => {
    await client.query("set timezone = 'Pacific/Auckland'");
    await client.query("select runledger.ensure_partition('2026-03-29')");
  });
  expect((await insertAt('2026-03-29T00:00:00.000000Z')).rows).toEqual([{ partition: 'runledger.events_20260329' }]);
  expect((await insertAt('2026-03-29T23:59:59.999999Z')).rows).toEqual([{ partition: 'runledger.events_20260329' }]);
  await expect(insertAt('2026-03-30T00:00:00Z')).rejects.toMatchObject({ code: '23514' });
});

it('making one neither waits for an open reader of the table nor holds a writer up', async () => {
  await ensurePartitions(ingest, ['2026-05-01']);
  const reader = await ingest.connect();
  try {
    await reader.query('begin');
    await reader.query('declare c cursor for select * from public.run_event_logs');
    await reader.query('fetch 1 from c');
    // lock_timeout is 3 s: waiting would fail.
    expect(await ensurePartitions(ingest, ['2026-05-02'])).toEqual([]);
    expect((await insertAt('2026-05-01T10:00:00Z')).rowCount).toBe(1);
    await reader.query('rollback');
  } finally {
    reader.release();
  }
});

it('days below the floor are refused one by one, and made neither now nor while the floor moves', async () => {
  await ensurePartitions(ingest, ['2026-06-10']);
  await withClient(database.superuserUrl, async (retention) => {
    await retention.query('begin');
    await retention.query("update runledger.retention set floor_day = '2026-06-09'");
    await retention.query('drop table if exists runledger.events_20260608');
    // Waits for the floor that is being moved, then sees the moved one.
    const racing = ensurePartitions(ingest, ['2026-06-08', '2026-06-09', '2026-06-10']);
    await waitForWaiter(retention);
    await retention.query('commit');
    expect(await racing).toEqual(['2026-06-08']);
  });
  expect((await partitions()).filter((text) => text.startsWith('events_202606'))).toHaveLength(2);
  await withClient(database.superuserUrl, (client) =>
    client.query("update runledger.retention set floor_day = '2000-01-01'"),
  );
});

it.each(['1999-12-31', '2101-01-01'])('%s is no day of ours', async (day) => {
  await expect(ensurePartitions(ingest, [day])).rejects.toMatchObject({ code: 'RL002' });
});

it('a day made again after it was dropped is not taken from memory', async () => {
  await ensurePartitions(ingest, ['2026-07-01']);
  await withClient(database.superuserUrl, (client) => client.query('drop table runledger.events_20260701'));
  await ensurePartitions(ingest, ['2026-07-01']);
  await expect(insertAt('2026-07-01T10:00:00Z')).rejects.toMatchObject({ code: '23514' });
  forgetPartitions(ingest);
  await ensurePartitions(ingest, ['2026-07-01']);
  expect((await insertAt('2026-07-01T10:00:00Z')).rowCount).toBe(1);
});

it('a stray table with a partition name stops with the command that helps', async () => {
  await withClient(database.superuserUrl, async (client) => {
    await client.query('create table runledger.events_20260801 (a int)');
    await expect(client.query("select runledger.ensure_partition('2026-08-01')")).rejects.toMatchObject({
      hint: expect.stringContaining('rename to events_20260801_old'),
    });
  });
});

it('a range is made whole and only what is missing', async () => {
  const { rows } = await ingest.query(
    "select runledger.ensure_partitions('2026-03-01', '2026-03-04') as made, runledger.ensure_partitions('2026-03-04', '2026-03-01') as none",
  );
  expect(rows).toEqual([{ made: 2, none: 0 }]);
});

/** Until some session waits for a lock that `holder`'s transaction holds. */
async function waitForWaiter(holder: pg.ClientBase): Promise<void> {
  for (;;) {
    const { rows } = await holder.query(
      'select exists (select from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))) as waits',
    );
    if (rows[0].waits) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
