/** Percentiles over weeks of runs, as a tenant's BI login sees them, against the durations themselves and after those are gone. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { type BiLogin, createBiLogin } from '../helpers/bi_login.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, type LedgerRow, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import { plainRows } from '../helpers/plain_rows.ts';
import { MINE, OTHER } from '../helpers/seed_tenants.ts';
import { percentile } from '../helpers/view_model.ts';

let database: TestDatabase;
let owner: pg.Pool;
let bi: BiLogin;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  bi = await createBiLogin(database, MINE);
  await createDays(owner, '2026-03-01', '2026-03-10');
  // A login of a tenant that is not there sees nothing.
  await owner.query(`insert into runledger.tenants (tenant_id) values (${MINE}), (${OTHER}) on conflict do nothing`);
});
afterAll(async () => {
  await Promise.all([owner.end(), bi.drop()]);
  await database.drop();
});

/** Sunday the 1st, Monday the 2nd, Sunday the 8th and Monday the 9th: three weeks. */
const WEEKS: Record<string, string> = {
  '2026-03-01': '2026-02-23',
  '2026-03-02': '2026-03-02',
  '2026-03-08': '2026-03-02',
  '2026-03-09': '2026-03-09',
};
const DAYS = Object.keys(WEEKS);

interface Drawn {
  day: string;
  kind: 'item' | 'vendor_call';
  durations: number[];
}

function rowsOf(runs: readonly Drawn[], tenantId: number): LedgerRow[] {
  return runs.flatMap(({ day, kind, durations }, place) => {
    const run = { tenant_id: tenantId, run_id: place + 1, ts: `${day} 12:00:00+00` };
    const own = ledgerRow({ ...run, kind: 'run', duration_ms: 1 });
    return [own, ...durations.map((duration_ms) => ledgerRow({ ...run, kind, duration_ms }))];
  });
}

async function clear(): Promise<void> {
  for (const table of ['run_event_logs', 'enrichment_runs', 'run_stage_stats', 'run_vendor_usage'])
    await owner.query(`delete from public.${table}`);
  await owner.query('delete from runledger.dirty_runs; delete from runledger.trend_buckets');
}

/** By week and kind, the durations that its row stands for. */
function merged(runs: readonly Drawn[]): Map<string, { runs: number; durations: number[] }> {
  const groups = new Map<string, { runs: number; durations: number[] }>();
  for (const { day, kind, durations } of runs) {
    if (durations.length === 0) continue;
    const key = `${WEEKS[day]} ${kind}`;
    const group = groups.get(key) ?? { runs: 0, durations: [] };
    groups.set(key, { runs: group.runs + 1, durations: [...group.durations, ...durations] });
  }
  return groups;
}

function expectClose(found: unknown, exact: number | null, of: unknown): void {
  const bound = Math.max(1, (exact ?? 0) * 0.01);
  expect([of, typeof found === 'number' && exact !== null && Math.abs(found - exact) <= bound]).toEqual([of, true]);
}

const drawn = fc.record({
  day: fc.constantFrom(...DAYS),
  kind: fc.constantFrom('item' as const, 'vendor_call' as const),
  durations: fc.array(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 3_000_000 })), {
    maxLength: 40,
  }),
});

it('are those of all durations of the week within 1%, of the tenant alone, and stay when the events are gone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(drawn, { minLength: 1, maxLength: 6 }), async (runs) => {
      await clear();
      const noise: Drawn[] = DAYS.map((day) => ({ day, kind: 'item', durations: [1_000_000] }));
      await writeRows(owner, [...rowsOf(runs, MINE), ...rowsOf(noise, OTHER)], { status: 'succeeded' });
      expect((await deriveDue(owner, { all: true })).failures).toEqual([]);
      await owner.query('delete from public.run_event_logs');
      const rows = plainRows(await bi.query("select * from latency_trends where stage = 'crawl'"));
      const groups = merged(runs);
      expect(rows.map(({ week, class: kind }) => `${week} ${kind}`).sort()).toEqual([...groups.keys()].sort());
      for (const row of rows) {
        const group = groups.get(`${row.week} ${row.class}`);
        expect(row).toMatchObject({ tenant_id: MINE, runs: group?.runs, samples: group?.durations.length });
        for (const [name, fraction] of [
          ['p50_ms', 0.5],
          ['p95_ms', 0.95],
          ['p99_ms', 0.99],
        ] as const)
          expectClose(row[name], percentile(group?.durations ?? [], fraction), { name, durations: group?.durations });
      }
    }),
    { numRuns: 25 },
  );
}, 240_000);

it('are the numbers that runledger.trend_quantile gives, and vendors stand under their names', async () => {
  await clear();
  const runs = DAYS.map(
    (day, place): Drawn => ({ day, kind: 'vendor_call', durations: [place, 40 + place, 9_000 * place] }),
  );
  await writeRows(owner, rowsOf(runs, MINE), { status: 'failed' });
  await deriveDue(owner, { all: true });
  const shown = plainRows(
    await bi.query("select week, p50_ms, p95_ms, p99_ms from latency_trends where vendor = 'openai' order by week"),
  );
  const asked = await owner.query(`
    select date_trunc('week', r.started_at at time zone 'UTC')::date as week, round(runledger.trend_quantile(array_agg(t), 0.5)) as p50_ms,
      round(runledger.trend_quantile(array_agg(t), 0.95)) as p95_ms, round(runledger.trend_quantile(array_agg(t), 0.99)) as p99_ms
    from runledger.trend_buckets t join public.enrichment_runs r using (tenant_id, run_id) where t.class = 'vendor:openai' group by 1 order by 1`);
  expect(shown).toHaveLength(3);
  expect(shown).toEqual(plainRows(asked));
});

it('leave out what an operator excluded and what still goes on', async () => {
  await clear();
  const runs: Drawn[] = [{ day: '2026-03-02', kind: 'item', durations: [10, 20] }];
  await writeRows(owner, rowsOf(runs, MINE), { status: 'succeeded' });
  await deriveDue(owner, { all: true });
  const weeks = async () => (await bi.query("select week from latency_trends where stage = 'crawl'")).rows.length;
  expect(await weeks()).toBe(1);
  await owner.query("update public.enrichment_runs set status = 'running'");
  expect(await weeks()).toBe(0);
  await owner.query("update public.enrichment_runs set status = 'succeeded', excluded = true");
  expect(await weeks()).toBe(0);
});
