import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, ledgerRow, mixedRun, writeRows } from '../helpers/ledger_writer.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  await createDays(owner, '2026-03-01', '2026-03-03');
  await writeRows(owner, [...mixedRun(1, 11, 1), ...mixedRun(1, 12, 2), ...mixedRun(2, 11, 3)], {
    status: 'succeeded',
  });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** Each column with a statement that changes it to something else, whatever it holds. */
const TAMPERINGS: Record<string, Record<string, string>> = {
  run_stage_stats: {
    ...plusOne(['count_total', 'count_success', 'count_error', 'tokens_input', 'tokens_output', 'duration_ms']),
    ...plusOne(['retry_count', 'fallback_count', 'state_is_end']),
    cost_usd: 'cost_usd + 0.000000000001',
    status: `status || '?'`,
    started_at: `started_at + interval '1 microsecond'`,
    ended_at: `ended_at - interval '1 microsecond'`,
    state_at: `state_at + interval '1 microsecond'`,
    state_span_id: `state_span_id || '0'`,
  },
  run_vendor_usage: {
    ...plusOne([
      'calls',
      'errors',
      'rate_limit_hits',
      'tokens_input',
      'tokens_output',
      'unpriced_calls',
      'unpriced_tokens',
    ]),
    cost_usd: 'cost_usd - 0.000000000001',
    quota_exhausted: 'not quota_exhausted',
  },
  run_metrics: {
    set_value: 'coalesce(set_value, 0) + 0.5',
    set_at: `coalesce(set_at, '2026-03-01') + interval '1 microsecond'`,
    set_span_id: `coalesce(set_span_id, '') || '0'`,
    added_value: 'coalesce(added_value, 0) + 0.01',
  },
  enrichment_runs: {
    ...plusOne(['sent_statements', 'sent_stages', 'sent_items', 'sent_vendor_calls', 'sent_dropped']),
    ...plusOne(['stored_stages', 'stored_items', 'stored_vendor_calls']),
    first_event_at: `first_event_at + interval '1 microsecond'`,
    last_event_at: `last_event_at - interval '1 microsecond'`,
  },
};

function plusOne(columns: string[]): Record<string, string> {
  return Object.fromEntries(columns.map((column) => [column, `${column} + 1`]));
}

describe('audit', () => {
  beforeEach(async () => {
    expect(await audit(owner)).toMatchObject({ difference: 0, differences: [] });
  });

  it('counts the runs it checked, also of one tenant or one run', async () => {
    expect((await audit(owner)).runs_checked).toBe(3);
    expect((await audit(owner, { tenantId: 1 })).runs_checked).toBe(2);
    expect((await audit(owner, { tenantId: 2, runId: 11 })).runs_checked).toBe(1);
  });

  for (const [table, columns] of Object.entries(TAMPERINGS)) {
    for (const [column, expression] of Object.entries(columns)) {
      it(`sees a changed ${table}.${column}`, async () => {
        await tampering(
          `update public.${table} set ${column} = ${expression} where tenant_id = 1 and run_id = 12`,
          async () => {
            const result = await audit(owner);
            expect(result.difference).toBeGreaterThan(0);
            for (const found of result.differences) {
              expect(found).toMatchObject({ tenant_id: 1, run_id: 12, what: table, column });
              expect(found.counted).not.toBe(found.stored);
            }
            expect((await audit(owner, { tenantId: 1, runId: 12 })).difference).toBe(result.difference);
            expect((await audit(owner, { tenantId: 2 })).difference).toBe(0);
          },
        );
      });
    }
  }

  for (const table of Object.keys(TAMPERINGS)) {
    it(`sees a missing row of ${table}`, async () => {
      await tampering(`delete from public.${table} where tenant_id = 1 and run_id = 12`, async () => {
        const { differences } = await audit(owner);
        expect(differences).toContainEqual(
          expect.objectContaining({ what: table, column: '(row)', counted: 'true', stored: 'false' }),
        );
      });
    });
  }

  it.each([
    ['run_stage_stats', `(tenant_id, run_id, stage) values (1, 12, 'nobody')`],
    ['run_vendor_usage', `(tenant_id, run_id, vendor) values (1, 12, 'nobody')`],
    ['run_metrics', `(tenant_id, run_id, name) values (1, 12, 'nothing')`],
  ])('sees a row of %s that no event accounts for', async (table, values) => {
    await tampering(`insert into public.${table} ${values}`, async () => {
      const { differences } = await audit(owner);
      expect(differences).toContainEqual(
        expect.objectContaining({ what: table, column: '(row)', counted: 'false', stored: 'true' }),
      );
    });
  });

  it('sees an event that was added or taken away behind the counters', async () => {
    await tampering('delete from public.run_event_logs where tenant_id = 2 and kind = $$item$$', async () => {
      expect((await audit(owner)).difference).toBeGreaterThan(0);
    });
  });

  it('accepts a last event time that a heartbeat moved on, and money of another scale', async () => {
    const later = `update public.enrichment_runs set last_event_at = last_event_at + interval '1 hour'`;
    await tampering(later, async () => expect((await audit(owner)).difference).toBe(0));
    const scaled = 'update public.run_stage_stats set cost_usd = cost_usd + 0.000000000000000000';
    await tampering(scaled, async () => expect((await audit(owner)).difference).toBe(0));
  });

  it('lists a hundred differences and counts them all', async () => {
    const many = `insert into public.run_metrics (tenant_id, run_id, name, added_value)
      select 1, 12, 'm' || i, i from generate_series(1, 150) i`;
    await tampering(many, async () => {
      const result = await audit(owner);
      expect(result.difference).toBe(300);
      expect(result.differences).toHaveLength(100);
    });
  });

  it('leaves out runs whose events are dropped, and only those', async () => {
    await writeRows(owner, [ledgerRow({ tenant_id: 3, run_id: 1, kind: 'item', ts: '2026-03-03 00:00:00+00' })]);
    await tampering(
      `update runledger.retention set floor_day = '2026-03-03'; delete from public.run_event_logs where ts < '2026-03-03'`,
      async () => {
        expect(await audit(owner)).toMatchObject({ difference: 0, runs_checked: 1 });
        await owner.query('update public.run_stage_stats set count_total = 9 where tenant_id = 3');
        expect((await audit(owner)).difference).toBe(1);
      },
    );
  });

  it('is exact while writers go on', async () => {
    let ended = false;
    const writing = (async () => {
      for (let i = 0; i < 40; i++) await writeRows(owner, mixedRun(4, 1 + (i % 3), 100 + i, 3));
      ended = true;
    })();
    let audits = 0;
    while (!ended || audits < 3) {
      expect((await audit(owner)).difference).toBe(0);
      audits++;
    }
    await writing;
  });
});

/** Does the damage, runs the check, and puts all tables back as they were. */
async function tampering(sql: string, check: () => Promise<void>): Promise<void> {
  const tables = ['public.enrichment_runs', 'public.run_stage_stats', 'public.run_vendor_usage', 'public.run_metrics'];
  const saved = [...tables, 'public.run_event_logs', 'runledger.retention'];
  for (const table of saved) await owner.query(`create table runledger.${saveName(table)} as table ${table}`);
  try {
    await owner.query(sql);
    await check();
  } finally {
    for (const table of saved) await restore(table);
  }
}

function saveName(table: string): string {
  return `saved_${table.replace('.', '_')}`;
}

async function restore(table: string): Promise<void> {
  const columns = await owner.query<{ list: string }>(
    `select string_agg(quote_ident(attname), ', ') as list from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  );
  const list = columns.rows[0]?.list;
  await owner.query(`begin; delete from ${table}; insert into ${table} (${list}) select ${list} from runledger.${saveName(table)};
    drop table runledger.${saveName(table)}; commit`);
}
