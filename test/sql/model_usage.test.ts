/** Usage by model: whatever calls name, it adds up to what the vendor's counters say, and stays when the events are gone. */
import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { retain } from '../../receiver/derive/retention.ts';
import { eraseItem, eraseTenant } from '../../receiver/store/erase.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { createDays, type LedgerRow, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import { keepFrom } from '../helpers/retention_runs.ts';

let database: TestDatabase;
let owner: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 4 });
});
beforeEach(async () => {
  for (const table of 'run_event_logs enrichment_runs run_stage_stats run_vendor_usage run_metrics'.split(' '))
    await owner.query(`delete from public.${table}`);
  await owner.query(
    'delete from runledger.dirty_runs; delete from runledger.model_usage; delete from runledger.sealed_runs',
  );
  await owner.query(`update runledger.retention set floor_day = '2000-01-01'`);
  await createDays(owner, '2026-03-01', '2026-03-03');
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const AT = { tenant_id: 1, run_id: 7, kind: 'vendor_call', ts: '2026-03-01 10:00:00+00' } as const;
const called = (vendor: string, model: string | null, given: Partial<LedgerRow> = {}) =>
  ledgerRow({ ...AT, vendor, extra: model === null ? null : { model }, ...given });

interface ModelRow {
  vendor: string;
  model: string;
  calls: number;
  errors: number;
  units: string;
  tokens_input: number;
  tokens_output: number;
  cost_usd: string;
  unpriced_calls: number;
  unpriced_tokens: number;
}

async function readModels(): Promise<ModelRow[]> {
  const { rows } = await owner.query<ModelRow>(
    `select vendor, model, calls, errors, units::text, tokens_input, tokens_output, trim_scale(cost_usd)::text as cost_usd, unpriced_calls,
       unpriced_tokens
     from runledger.model_usage order by tenant_id, run_id, vendor, model`,
  );
  return rows;
}

/** Vendors whose sums over models are not their counters; none. */
async function differences(): Promise<unknown[]> {
  const { rows } = await owner.query(
    `with m as (
       select tenant_id, run_id, vendor, sum(calls)::bigint as calls, sum(errors)::bigint as errors, trim_scale(sum(cost_usd)) as cost_usd,
         sum(tokens_input)::bigint as tokens_input, sum(tokens_output)::bigint as tokens_output,
         sum(unpriced_calls)::bigint as unpriced_calls, sum(unpriced_tokens)::bigint as unpriced_tokens
       from runledger.model_usage group by 1, 2, 3
     ), v as (
       select tenant_id, run_id, vendor, calls, errors, trim_scale(cost_usd) as cost_usd, tokens_input, tokens_output, unpriced_calls,
         unpriced_tokens
       from public.run_vendor_usage
     )
     (table m except table v) union all (table v except table m)`,
  );
  return rows;
}

const anyCall = fc.record({
  vendor: fc.constantFrom('openai', 'anthropic', 'hunter'),
  run: fc.constantFrom(7, 8),
  extra: fc.oneof(
    fc.constant(null),
    fc.constantFrom('gpt-4o', 'gpt-4o-mini', 'claude-sonnet', '_other', '').map((model) => ({ model })),
    fc.constant({ 'gen_ai.request.model': 'gpt-4o' }),
    fc.string({ maxLength: 130 }).map((text) => ({ model: text.replaceAll('\0', '') })),
    fc.constant({ model: 'gpt-4o', 'runledger.units': 3 }),
    fc.constant({ model: 7, 'runledger.units': 'many' }),
  ),
  cost_usd: fc.oneof(
    fc.constant(null),
    fc.nat(1_000_000).map((millionths) => (millionths / 1e6).toFixed(9)),
  ),
  calls: fc.integer({ min: 1, max: 50 }),
  tokens_input: fc.nat(100_000),
  tokens_output: fc.nat(10_000),
});

function rowsOf(calls: CallModel[]): LedgerRow[] {
  return calls.map(({ run, ...call }) => ledgerRow({ ...AT, ...call, run_id: run, errors: call.calls % 2 }));
}
type CallModel = typeof anyCall extends fc.Arbitrary<infer T> ? T : never;

describe('the sums over models', () => {
  it('are exactly the counters of their vendors, for any calls, late ones too, and however often they are derived', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyCall, { minLength: 1, maxLength: 40 }),
        fc.array(anyCall, { maxLength: 10 }),
        async (first, late) => {
          await owner.query(
            'delete from public.run_event_logs; delete from public.run_vendor_usage; delete from runledger.model_usage',
          );
          await owner.query(
            'delete from public.run_stage_stats; delete from public.enrichment_runs; delete from runledger.dirty_runs',
          );
          await writeRows(owner, rowsOf(first), { status: 'succeeded' });
          await deriveDue(owner, { all: true });
          expect(await differences()).toEqual([]);
          await writeRows(owner, rowsOf(late));
          await deriveDue(owner, { all: true });
          expect(await differences()).toEqual([]);
          const before = await readModels();
          expect((await audit(owner)).differences).toEqual([]);
          await rebuild(owner);
          await deriveDue(owner, { all: true });
          expect(await readModels()).toEqual(before);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('stay exact for vendors with more models than are kept: those that cost most have names, the rest is one', async () => {
    const calls = Array.from({ length: 70 }, (_, index) =>
      called('openai', `model-${String(index).padStart(2, '0')}`, {
        cost_usd: `0.${String(index + 1).padStart(3, '0')}`,
      }),
    );
    await writeRows(owner, [...calls, called('openai', null), called('hunter', null, { cost_usd: '1' })]);
    await deriveDue(owner, { all: true });
    const models = await readModels();
    expect(await differences()).toEqual([]);
    const kept = models.filter(({ model }) => model.startsWith('model-')).map(({ model }) => model);
    expect(kept).toEqual(Array.from({ length: 50 }, (_, index) => `model-${index + 20}`));
    expect(models.find(({ model }) => model === '_other')).toMatchObject({
      vendor: 'openai',
      calls: 20,
      cost_usd: '0.21',
    });
    expect(models.filter(({ model }) => model === '').map(({ vendor, calls }) => [vendor, calls])).toEqual([
      ['hunter', 1],
      ['openai', 1],
    ]);
  });

  it('are kept when the events are dropped, and what comes late for such a run counts as nameless', async () => {
    const late = '2026-03-02 10:00:00+00';
    await writeRows(owner, [called('openai', 'gpt-4o', { cost_usd: '2' }), called('openai', 'gpt-4o', { ts: late })], {
      status: 'succeeded',
    });
    expect(await retain(owner, keepFrom('2026-03-02'))).toMatchObject({
      difference: 0,
      stopped: null,
      days_dropped: 1,
    });
    const before = await readModels();
    expect(before).toMatchObject([{ vendor: 'openai', model: 'gpt-4o', calls: 2, cost_usd: '2', unpriced_calls: 1 }]);
    await writeRows(owner, [
      called('openai', 'gpt-4o', { ts: late, cost_usd: '0.5' }),
      called('hunter', null, { ts: late }),
    ]);
    await deriveDue(owner, { all: true });
    expect(await differences()).toEqual([]);
    expect(await readModels()).toMatchObject([
      { vendor: 'hunter', model: '', calls: 1, cost_usd: '0' },
      { vendor: 'openai', model: '', calls: 1, cost_usd: '0.5' },
      { vendor: 'openai', model: 'gpt-4o', calls: 2, cost_usd: '2' },
    ]);
    expect(await audit(owner)).toMatchObject({ difference: 0, sealed_difference: 0 });
  });

  it('that somebody changed are found by audit and put right by rebuild', async () => {
    await writeRows(owner, [called('openai', 'gpt-4o', { cost_usd: '2' }), called('hunter', null)], {
      status: 'succeeded',
    });
    await deriveDue(owner, { all: true });
    const before = await readModels();
    for (const change of [
      `update runledger.model_usage set cost_usd = cost_usd + 0.000001 where vendor = 'openai'`,
      `delete from runledger.model_usage where vendor = 'hunter'`,
      `insert into runledger.model_usage values (1, 7, 'ghost', '', 1, 0, 0, 0, 0, 0, 0, 0)`,
    ]) {
      await owner.query(change);
      const { difference, differences: found } = await audit(owner);
      expect([change, difference]).not.toEqual([change, 0]);
      expect(new Set(found.map(({ what }) => what))).toEqual(new Set(['model_usage']));
      await rebuild(owner);
      await deriveDue(owner, { all: true });
      expect(await readModels()).toEqual(before);
      expect((await audit(owner)).difference).toBe(0);
    }
  });
});

describe('erasure', () => {
  beforeEach(async () => {
    const calls = ['gpt-4o', 'ft:gpt-4o:acme-ltd::1', null].map((model) =>
      called('openai', model, {
        company_id: 500,
        cost_usd: '0.25',
        extra: { ...(model !== null && { model }), 'runledger.units': 2, about: 'Acme' },
      }),
    );
    await writeRows(owner, calls, { status: 'succeeded' });
    await deriveDue(owner, { all: true });
  });

  it('of an item leaves usage by model as it was, also when it is derived again', async () => {
    const before = await readModels();
    expect(before.map(({ model, units }) => [model, units])).toEqual([
      ['', '2'],
      ['ft:gpt-4o:acme-ltd::1', '2'],
      ['gpt-4o', '2'],
    ]);
    expect((await eraseItem(owner, 1, '500', 'Kim')).events).toBe(3);
    await rebuild(owner);
    await deriveDue(owner, { all: true });
    expect(await readModels()).toEqual(before);
    const { rows } = await owner.query(`select extra::text from public.run_event_logs where extra::text ~ 'Acme'`);
    expect(rows).toEqual([]);
  });

  it('of a tenant takes the names of its models and no count', async () => {
    await owner.query(
      `insert into runledger.tenants (tenant_id, status) values (1, 'disabled') on conflict (tenant_id) do update set status = 'disabled'`,
    );
    await eraseTenant(owner, 1, 'Kim');
    expect(await readModels()).toMatchObject([{ vendor: 'openai', model: '', calls: 3, units: '6', cost_usd: '0.75' }]);
    expect(await differences()).toEqual([]);
    await rebuild(owner);
    await deriveDue(owner, { all: true });
    expect(await readModels()).toMatchObject([{ vendor: 'openai', model: '', calls: 3, cost_usd: '0.75' }]);
    expect((await audit(owner)).difference).toBe(0);
  });
});

describe('the model of a call', () => {
  it.each([
    [{ model: ' gpt-4o ' }, null, 'gpt-4o'],
    [{ model: 'own', 'gen_ai.response.model': 'other' }, null, 'own'],
    [{ 'gen_ai.request.model': 'asked', 'gen_ai.response.model': 'answered' }, null, 'answered'],
    [{ 'embedding.model_name': 'text-embedding-3-small' }, 'genai-prices:openai/other', 'text-embedding-3-small'],
    [{ attempt: 1 }, 'genai-prices:openai/gpt-4o-mini', 'gpt-4o-mini'],
    [null, 'own:1+2', ''],
    [null, null, ''],
    [{ model: 'm'.repeat(300) }, null, 'm'.repeat(100)],
  ])('%o with price %s is %s', async (extra, price, model) => {
    const { rows } = await owner.query('select runledger.event_model($1::jsonb, $2::text) as model', [
      extra === null ? null : JSON.stringify(extra),
      price,
    ]);
    expect(rows).toEqual([{ model }]);
  });

  it('is without the date of its snapshot, so that calls that failed stand with those that were answered', async () => {
    const names = [
      'gpt-4o',
      'gpt-4o-2024-08-06',
      'claude-sonnet-4-5-20250929',
      'claude-sonnet-4-5@20250929',
      'gpt-4-0613',
      '2024-08-06',
    ];
    await writeRows(
      owner,
      names.map((name) => called('openai', name)),
    );
    await deriveDue(owner, { all: true });
    expect((await readModels()).map(({ model, calls }) => [model, calls])).toEqual([
      ['2024-08-06', 1],
      ['claude-sonnet-4-5', 2],
      ['gpt-4-0613', 1],
      ['gpt-4o', 2],
    ]);
  });

  it('is asked of units too, and only whole numbers count', async () => {
    const units = [3, 4, 'many', -1, 2.5, null];
    await writeRows(
      owner,
      units.map((value) => called('hunter', null, { extra: { 'runledger.units': value } })),
    );
    await deriveDue(owner, { all: true });
    expect(await readModels()).toMatchObject([{ vendor: 'hunter', calls: 6, units: '7' }]);
  });
});
