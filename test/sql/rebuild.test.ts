import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, ledgerRow, mixedRun, writeRows } from '../helpers/ledger_writer.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 8 });
  await createDays(owner, '2026-03-01', '2026-03-03');
  await writeRows(owner, [...mixedRun(1, 11, 1), ...mixedRun(1, 12, 2), ...mixedRun(2, 11, 3)], {
    status: 'succeeded',
  });
  await deriveDue(owner, { all: true });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const TABLES = ['enrichment_runs', 'run_stage_stats', 'run_vendor_usage', 'run_metrics'];

/** Every row of the counters as text; what only says when it was derived aside. */
async function readLedger(): Promise<string[]> {
  const texts: string[] = [];
  for (const table of TABLES) {
    const { rows } = await owner.query<{ row: string }>(
      `select (to_jsonb(t) - 'derived_at')::text as row from public.${table} t order by tenant_id, run_id, 1`,
    );
    texts.push(...rows.map(({ row }) => `${table} ${row}`));
  }
  return texts;
}

const DAMAGE: Record<string, string> = {
  'wrong counters': `update public.run_stage_stats set count_total = count_total + 5, cost_usd = 0.1, tokens_input = 0, retry_count = 99;
    update public.run_vendor_usage set calls = 0, errors = 0, cost_usd = cost_usd * 2, quota_exhausted = false, unpriced_calls = 7`,
  'wrong registers': `update public.run_stage_stats set status = 'error', state_at = '2030-01-01', started_at = null, ended_at = null;
    update public.run_metrics set set_value = 1, set_at = '2030-01-01', set_span_id = 'f', added_value = null`,
  'wrong sums of the run': `update public.enrichment_runs set sent_items = 0, stored_items = 1, stored_stages = 8, sent_statements = 0,
    first_event_at = null, last_event_at = '2026-02-01'`,
  'missing rows':
    'delete from public.run_stage_stats; delete from public.run_vendor_usage; delete from public.run_metrics',
  'rows too many': `insert into public.run_stage_stats (tenant_id, run_id, stage, count_total) values (1, 11, 'nobody', 3);
    insert into public.run_vendor_usage (tenant_id, run_id, vendor) values (2, 11, 'nobody');
    insert into public.run_metrics (tenant_id, run_id, name) values (1, 12, 'nothing')`,
  'wrong percentiles': `update public.run_stage_stats set p50_ms = 1, p95_ms = 2, p99_ms = 3, duration_samples = 4, duration_class = 'x';
    update public.run_vendor_usage set p50_ms = 1, p95_ms = 2, p99_ms = 3, duration_samples = 4`,
};

describe('rebuild', () => {
  for (const [name, sql] of Object.entries(DAMAGE)) {
    it(`repairs ${name} to the digit, percentiles with the derive that follows`, async () => {
      const before = await readLedger();
      await owner.query(sql);
      expect(await readLedger()).not.toEqual(before);

      const result = await rebuild(owner);
      expect(result).toMatchObject({ runs_rebuilt: 3, runs_refused: 0 });
      expect((await audit(owner)).difference).toBe(0);
      await deriveDue(owner, { all: true });
      expect(await readLedger()).toEqual(before);
    });
  }

  it('changes nothing in a ledger that is right, and says so', async () => {
    const before = await readLedger();
    const progress: number[] = [];
    const result = await rebuild(owner, { onProgress: (runsDone) => progress.push(runsDone) });
    expect(result.changes).toEqual([]);
    expect(progress).toEqual([1, 2, 3]);
    expect(await readLedger()).toEqual(before);
  });

  it('touches the chosen run only and names what it changed', async () => {
    await owner.query('update public.run_stage_stats set count_total = count_total + 1');
    const result = await rebuild(owner, { tenantId: 1, runId: 12 });
    const ofRun = { tenant_id: 1, run_id: 12, what: 'run_stage_stats', change: 'corrected' };
    expect(result.changes).toEqual([
      { ...ofRun, name: 'crawl' },
      { ...ofRun, name: 'score' },
    ]);
    expect((await audit(owner, { tenantId: 1, runId: 12 })).difference).toBe(0);
    expect((await audit(owner)).difference).toBe(4);
    await rebuild(owner, { tenantId: 1 });
    expect((await audit(owner)).difference).toBe(2);
    await rebuild(owner);
    expect((await audit(owner)).difference).toBe(0);
  });

  it('gives a run whose row is lost a row again, with its key', async () => {
    await owner.query(
      `insert into runledger.run_keys (tenant_id, run_key, run_id) values (2, 'nightly', 11) on conflict do nothing`,
    );
    await owner.query('delete from public.enrichment_runs where tenant_id = 2 and run_id = 11');
    const result = await rebuild(owner);
    expect(result.changes[0]).toMatchObject({ tenant_id: 2, run_id: 11, what: 'enrichment_runs', change: 'restored' });
    expect((await audit(owner)).difference).toBe(0);
    const { rows } = await owner.query(
      'select run_key, status, started_at = first_event_at as has_start from public.enrichment_runs where tenant_id = 2 and run_id = 11',
    );
    expect(rows).toEqual([{ run_key: 'nightly', status: 'succeeded', has_start: true }]);
  });

  it('removes counters of a run that is nowhere else, and leaves no run behind', async () => {
    await owner.query(`insert into public.run_stage_stats (tenant_id, run_id, stage) values (9, 9, 'ghost')`);
    const result = await rebuild(owner);
    expect(result.changes).toEqual([
      { tenant_id: 9, run_id: 9, what: 'run_stage_stats', name: 'ghost', change: 'removed' },
    ]);
    const { rows } = await owner.query('select 1 from public.enrichment_runs where tenant_id = 9');
    expect(rows).toEqual([]);
    expect((await audit(owner)).difference).toBe(0);
  });

  it('refuses a run below the retention floor: its events are gone and its counters are all there is', async () => {
    const before = await readLedger();
    await owner.query(`update runledger.retention set floor_day = '2026-03-04'`);
    await owner.query(
      'begin; create table runledger.kept as table public.run_event_logs; delete from public.run_event_logs; commit',
    );
    try {
      expect(await rebuild(owner)).toEqual({ runs_rebuilt: 0, runs_refused: 3, changes: [] });
      expect(await readLedger()).toEqual(before);
    } finally {
      await owner.query(`begin; insert into public.run_event_logs table runledger.kept; drop table runledger.kept;
        update runledger.retention set floor_day = '2000-01-01'; commit`);
    }
  });

  it('is exact while writers add to the same runs', async () => {
    let ended = 0;
    const write = async (seed: number) => {
      for (let i = 0; i < 30; i++) await writeRows(owner, mixedRun(5, 1 + ((seed + i) % 2), 1000 * seed + i, 2));
      ended++;
    };
    const writing = Promise.all([write(1), write(2), write(3)]);
    let rebuilds = 0;
    while (ended < 3) {
      await owner.query(`update public.run_vendor_usage set calls = calls + 1 where tenant_id = 5 and run_id = 1`);
      await rebuild(owner, { tenantId: 5 });
      rebuilds++;
    }
    await writing;
    await rebuild(owner, { tenantId: 5 });
    expect(rebuilds).toBeGreaterThan(0);
    expect((await audit(owner)).difference).toBe(0);
    const { rows } = await owner.query(
      'select sum(stored_items)::int as items from public.enrichment_runs where tenant_id = 5',
    );
    expect(rows).toEqual([{ items: 3 * 30 * 4 }]);
  });

  it('counts the rows of a writer that had stored them but not yet moved its counters', async () => {
    await writeRows(owner, [ledgerRow({ tenant_id: 6, run_id: 1, kind: 'item', ts: '2026-03-01 10:00:00+00' })]);
    const late = ledgerRow({ tenant_id: 6, run_id: 1, kind: 'item', ts: '2026-03-01 11:00:00+00' });
    let rebuilding: Promise<unknown> = Promise.resolve();
    await writeRows(owner, [late], {
      beforeCommit: async () => {
        rebuilding = rebuild(owner, { tenantId: 6, runId: 1 });
        await waitForLockWait();
      },
    });
    await rebuilding;
    expect((await audit(owner, { tenantId: 6 })).difference).toBe(0);
    const { rows } = await owner.query('select count_total from public.run_stage_stats where tenant_id = 6');
    expect(rows).toEqual([{ count_total: 2 }]);
  });
});

/** Until a session of this database waits for a lock. */
async function waitForLockWait(): Promise<void> {
  for (;;) {
    const { rows } = await owner.query(
      `select 1 from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
