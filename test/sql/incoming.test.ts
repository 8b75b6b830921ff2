/**
 * The temporary table of a connection lives as long as the connection does, and the ledger may be migrated meanwhile: rows go on being stored,
 * each once, whatever became of the columns that this version does not know.
 */

import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { blankRow, type EventRow } from '../../receiver/map/row.ts';
import { createPool, inTransaction } from '../../receiver/store/pool.ts';
import { storeWhatIsNew } from '../../receiver/write/events.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

const DAY = '2026-11-20';
let database: TestDatabase;
let owner: pg.Pool;
/** One connection a test: its temporary table is made before the change and used after it. */
let ingest: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  const { databaseUrl } = database;
  owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 1 });
  await owner.query('select runledger.ensure_partition($1)', [DAY]);
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});
beforeEach(() => {
  ingest = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 1 });
});
afterEach(() => ingest.end());

let spans = 0;
function row(): EventRow {
  spans++;
  const made = blankRow(7, { id: 1 });
  return Object.assign(made, {
    runId: 1,
    stage: 'crawl',
    event: 'finish',
    status: 'ok',
    kind: 'item',
    spanId: spans.toString(16).padStart(16, '0'),
    traceId: '',
    tsUs: Date.parse(`${DAY}T03:00:00Z`) * 1000,
    seq: 1,
    extra: `{"number": ${spans}}`,
    bucket: 'High',
  });
}

const store = (rows: EventRow[]) => inTransaction(ingest, (client) => storeWhatIsNew(client, rows));

async function expectStored(): Promise<void> {
  const first = row();
  expect(await store([first, row()])).toMatchObject({ inserted: [{}, {}], conflicts: 0 });
  const again = await store([first, row()]);
  expect([again.inserted.length, again.conflicts]).toEqual([1, 0]);
  const { rows } = await owner.query(
    `select count(*)::int as stored, count(distinct extra ->> 'number')::int as numbers, count(*) filter (where bucket <> 'High')::int as wrong
     from run_event_logs`,
  );
  expect(rows).toEqual([{ stored: spans, numbers: spans, wrong: 0 }]);
}

const CHANGES: [string, string][] = [
  ['nothing', 'select 1'],
  ['a column more', 'alter table public.run_event_logs add column later text'],
  [
    'a column more that is never null',
    'alter table public.run_event_logs add column later_still int not null default 7',
  ],
  ['a column less', 'alter table public.run_event_logs drop column later'],
  ['another one less', 'alter table public.run_event_logs drop column later_still'],
  ['a column that comes again as another type', 'alter table public.run_event_logs add column later bigint'],
];

test.each(CHANGES)('after %s', async (_what, change) => {
  await expectStored();
  await owner.query(change);
  await expectStored();
});

test('what a wider column takes now is stored', async () => {
  await expectStored();
  await owner.query('alter table public.run_event_logs alter column price_id type varchar(20)');
  await ingest.query('discard temp');
  await expectStored();
  await owner.query('alter table public.run_event_logs alter column price_id type text');
  const wide = { ...row(), priceId: 'x'.repeat(40) };
  expect(await store([wide])).toMatchObject({ inserted: [{ priceId: 'x'.repeat(40) }] });
});
