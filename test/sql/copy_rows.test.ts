/** The binary COPY encoder against PostgreSQL's own reading of the same values. */

import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blankRow, type EventRow } from '../../receiver/map/row.ts';
import { copyRows } from '../../receiver/write/copy.ts';
import { DecimalSum } from '../../receiver/write/decimal.ts';
import { timestampText } from '../../receiver/write/timestamp.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let client: pg.PoolClient;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
  pool.on('error', () => undefined);
  client = await pool.connect();
  await client.query('create temp table incoming (like public.run_event_logs including defaults)');
});

afterAll(async () => {
  client.release();
  await pool.end();
  await database.drop();
});

const name = (maxLength: number) =>
  fc.string({
    unit: fc.constantFrom('a', 'Z', '_', 'ä', '€', '😀', '\\', '\t', '\n', "'", '"', '\u007f', '\u0080'),
    maxLength,
  });
const decimal = fc
  .tuple(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.integer({ min: 0, max: 18 }))
  .map(([units, scale]) => {
    const digits = units.toString().padStart(scale + 1, '0');
    return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  });
const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

const rows: fc.Arbitrary<EventRow> = fc
  .record({
    stage: name(64),
    companyId: fc.option(count),
    event: name(64),
    status: fc.constantFrom('ok', 'error', 'skip', 'retry'),
    errorCode: fc.option(name(64)),
    durationMs: fc.option(fc.integer({ min: 0, max: 2_147_483_647 })),
    extra: fc.option(fc.dictionary(name(8), fc.oneof(name(300), fc.integer())).map((value) => JSON.stringify(value))),
    tsUs: fc.integer({ min: 946_684_800_000_000 - 5, max: 4_102_444_800_000_000 }),
    seq: fc.integer({ min: -2, max: 2000 }),
    vendor: fc.option(name(64)),
    calls: count,
    quotaExhausted: fc.boolean(),
    costUsd: fc.option(decimal),
    tokensInput: count,
    priceId: fc.option(name(40)),
    bucket: fc.option(name(16)),
    metrics: fc.option(
      fc.constantFrom(
        { set: { 'ü"x': '1.5' } },
        { add: { a: '2' }, sent: { stages: 1, items: 2, vendor_calls: 3, dropped: 4 } },
      ),
    ),
  })
  .map((given) => ({
    ...blankRow(7, { id: 2 ** 52 + 5 }),
    ...given,
    kind: 'vendor_call' as const,
    traceId: '0123456789abcdef0123456789abcdef',
    spanId: '0123456789abcdef',
  }));

test('every value arrives as PostgreSQL reads it itself', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 20 }), async (sent) => {
      await client.query('truncate incoming');
      await copyRows(client, 'incoming', sent);
      // Extra is compared where it is stored: JSON.parse of V8 13.6 (Node 24) misreads keys with escapes.
      const { rows: stored } = await client.query<{ row: Record<string, unknown> }>(
        `select jsonb_build_object('stage', stage, 'company_id', company_id::text, 'event', event, 'status', status, 'error_code', error_code,
           'duration_ms', duration_ms, 'extra',
           case when extra is not distinct from given::jsonb then 'as given' else extra::text end, 'ts', (extract(epoch from ts) * 1000000)::bigint::text, 'seq', seq, 'vendor', vendor,
           'calls', calls::text, 'quota', quota_exhausted, 'cost', cost_usd::text, 'tokens', tokens_input::text, 'price', price_id,
           'bucket', bucket, 'metrics', metrics, 'run', run_id::text, 'tenant', tenant_id, 'span', span_id) as row
         from (select *, row_number() over (order by ctid) as place from incoming) as i
         join unnest($1::text[]) with ordinality as g (given, place) using (place) order by place`,
        [sent.map((row) => row.extra)],
      );
      expect(stored.map(({ row }) => row)).toEqual(
        sent.map((row) => ({
          stage: row.stage,
          company_id: row.companyId?.toString() ?? null,
          event: row.event,
          status: row.status,
          error_code: row.errorCode,
          duration_ms: row.durationMs,
          extra: 'as given',
          ts: row.tsUs.toString(),
          seq: row.seq,
          vendor: row.vendor,
          calls: row.calls.toString(),
          quota: row.quotaExhausted,
          cost: row.costUsd,
          tokens: row.tokensInput.toString(),
          price: row.priceId,
          bucket: row.bucket,
          metrics: row.metrics,
          run: (2 ** 52 + 5).toString(),
          tenant: 7,
          span: '0123456789abcdef',
        })),
      );
    }),
    { numRuns: 60 },
  );
});

test('timestamps as text name the same microsecond', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 946_684_800_000_000, max: 4_102_444_799_999_999 }), async (us) => {
      const { rows: read } = await client.query<{ us: string }>(
        `select (extract(epoch from $1::timestamptz) * 1000000)::bigint::text as us`,
        [timestampText(us)],
      );
      expect(read[0]?.us).toBe(us.toString());
    }),
    { numRuns: 100 },
  );
});

test('a sum of decimals reads as numeric adds it, however it is grouped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(decimal, { minLength: 1, maxLength: 12 }), async (values) => {
      const sum = new DecimalSum();
      for (const value of values) sum.add(value);
      const { rows: added } = await client.query<{ sum: string }>(
        'select sum(v)::text as sum from unnest($1::numeric[]) as v',
        [values],
      );
      expect(sum.toString()).toBe(added[0]?.sum);
    }),
    { numRuns: 60 },
  );
});
