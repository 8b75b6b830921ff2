/** Spans that name no run wait for the root of their trace, in any order, across receivers, and never cross from one tenant to another. */

import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Attribute, Span } from '../../receiver/decode/shape.ts';
import { audit } from '../../receiver/derive/audit.ts';
import { RequestError } from '../../receiver/errors.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { hashItem } from '../../receiver/map/ids.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { dumpLedger } from '../helpers/dump.ts';
import { type Ledger, openLedger } from '../helpers/ledger.ts';
import { bool, int, requestWith, span, text, traceBody } from '../helpers/otlp.ts';

const END_US = (Date.now() - 3_600_000) * 1000;
type Sender = number | 'ingest';

let database: TestDatabase;
let ledger: Ledger;
let other: Ledger;
let superuser: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = await openLedger(database.databaseUrl);
  other = await openLedger(database.databaseUrl);
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
});

afterAll(async () => {
  await ledger.close();
  await other.close();
  await superuser.end();
  await database.drop();
});

beforeEach(async () => {
  await superuser.query('truncate runledger.parked_spans, runledger.refusals');
});

let next = 1;
const hex = (digits: number): string => (next++).toString(16).padStart(digits, '0');
const at = (given: Partial<Span>): Span =>
  span({ spanId: hex(16), parentSpanId: hex(16), startUs: END_US - 1_000_000, endUs: END_US, ...given });

const run = (traceId: string, runId: number, attributes: Attribute[] = [], given: Partial<Span> = {}): Span =>
  at({
    traceId,
    parentSpanId: '',
    name: 'run',
    attributes: [text(ATTR.kind, 'run'), int(ATTR.runId, runId), ...attributes],
    ...given,
  });
const item = (traceId: string, attributes: Attribute[] = [], given: Partial<Span> = {}): Span =>
  at({
    traceId,
    name: 'item',
    attributes: [text(ATTR.kind, 'item'), text(ATTR.stage, 'crawl'), int(ATTR.itemId, 3), ...attributes],
    ...given,
  });
const call = (traceId: string): Span =>
  at({
    traceId,
    name: 'call',
    attributes: [
      text(ATTR.kind, 'vendor_call'),
      text(ATTR.stage, 'crawl'),
      text(ATTR.vendor, 'hunter'),
      int(ATTR.calls, 4),
    ],
  });
const marker = (root: Span, attributes: Attribute[] = []): Span =>
  at({
    traceId: root.traceId,
    parentSpanId: root.spanId,
    attributes: [
      text(ATTR.kind, 'start'),
      ...root.attributes.filter(({ key }) => key === ATTR.runId || key === ATTR.tenantId),
      text(ATTR.subjectKind, 'run'),
      text(ATTR.subjectSpanId, root.spanId),
      text(ATTR.subjectStartUnixNano, `${root.startUs}${String(root.startNs).padStart(3, '0')}`),
      bool(ATTR.subjectRoot, root.parentSpanId === ''),
      ...attributes,
    ],
  });

const send = (sender: Sender, spans: Span[], by = ledger) =>
  by.sendAs(sender, traceBody(requestWith(...spans), 'protobuf'), 'protobuf');
const rowsOf = (traceId: string) =>
  ledger.query<{ tenant_id: number; run_id: number; event: string; company_id: number | null }>(
    'select tenant_id, run_id, event, company_id from public.run_event_logs where trace_id = $1 order by ts, span_id, seq',
    [traceId],
  );
const parkedOf = (traceId: string) =>
  ledger.query<{ tenant_id: number; reason: string }>(
    'select tenant_id, reason from runledger.parked_spans where trace_id = $1 order by tenant_id, ts, span_id, seq',
    [traceId],
  );
const refusals = () =>
  ledger.query('select tenant_id, reason, spans::int from runledger.refusals order by tenant_id, reason');
const usage = (runId: number) =>
  ledger.query(
    'select s.count_total::int, v.calls::int from public.run_stage_stats s join public.run_vendor_usage v using (tenant_id, run_id) where run_id = $1',
    [runId],
  );

const permutations = <T>(list: T[]): T[][] =>
  list.length < 2
    ? [list]
    : list.flatMap((one, index) =>
        permutations([...list.slice(0, index), ...list.slice(index + 1)]).map((rest) => [one, ...rest]),
      );

test('whatever the order of root, marker and children, the run ends with the same rows and counts', async () => {
  const dumps = new Set<string>();
  let runId = 1000;
  for (const order of permutations([0, 1, 2, 3])) {
    const traceId = hex(32);
    const root = run(traceId, ++runId, [], { spanId: 'aaaaaaaaaaaaaaaa' });
    const spans = [
      root,
      marker(root),
      item(traceId, [], { spanId: 'bbbbbbbbbbbbbbbb' }),
      { ...call(traceId), spanId: 'cccccccccccccccc' },
    ];
    for (const index of order) await send(1, [spans[index] as Span]);
    const rows = await ledger.query(
      'select span_id, seq, event, stage, units_total, calls from public.run_event_logs where run_id = $1 order by ts, span_id, seq',
      [runId],
    );
    dumps.add(JSON.stringify([rows, await usage(runId), await parkedOf(traceId)]));
    expect(rows).toHaveLength(4);
  }
  expect(dumps.size).toBe(1);
  expect(await usage(runId)).toEqual([{ count_total: 1, calls: 4 }]);
  expect((await audit(ledger.ownerPool)).difference).toBe(0);
});

test('children and root of one request need no waiting', async () => {
  const traceId = hex(32);
  await send(1, [item(traceId), call(traceId), run(traceId, 2)]);
  expect(await parkedOf(traceId)).toEqual([]);
  expect(await rowsOf(traceId)).toHaveLength(4);
});

test('a resend while waiting and after placing changes nothing', async () => {
  const traceId = hex(32);
  const [child, root] = [item(traceId), run(traceId, 3)];
  for (let turn = 0; turn < 3; turn++) await send(1, [child]);
  expect(await parkedOf(traceId)).toEqual([{ tenant_id: 1, reason: 'no_run_yet' }]);
  await send(1, [root]);
  const before = await dumpLedger(ledger);
  for (const again of [[child], [root], [child, root]]) await send(1, again);
  expect(await dumpLedger(ledger)).toEqual(before);
});

test('a marker of the root is enough; one of a run inside of another trace is not', async () => {
  const traceId = hex(32);
  await send(1, [item(traceId)]);
  await send(1, [marker(run(traceId, 4, [], { parentSpanId: hex(16) }))]);
  expect(await parkedOf(traceId)).toHaveLength(1);
  await send(1, [marker(run(traceId, 4))]);
  expect(await parkedOf(traceId)).toEqual([]);
  expect((await rowsOf(traceId)).filter((row) => row.event === 'finish')).toHaveLength(1);
});

test('a root that names no run: what waits for it says so, and stays', async () => {
  const [together, later] = [hex(32), hex(32)];
  const bare = (traceId: string) => at({ traceId, parentSpanId: '', name: 'GET /' });
  await send(1, [bare(together), item(together)]);
  expect(await parkedOf(together)).toEqual([{ tenant_id: 1, reason: 'no_root_run' }]);
  await send(1, [item(later)]);
  expect(await parkedOf(later)).toEqual([{ tenant_id: 1, reason: 'no_run_yet' }]);
  await send(1, [bare(later)]);
  expect(await parkedOf(later)).toEqual([{ tenant_id: 1, reason: 'no_root_run' }]);
});

test('rows without a tenant learn it, too, when a root names a tenant and no run', async () => {
  const traceId = hex(32);
  await send('ingest', [item(traceId)]);
  await send('ingest', [at({ traceId, parentSpanId: '', attributes: [int(ATTR.tenantId, 1)] })]);
  expect(await parkedOf(traceId)).toEqual([{ tenant_id: 0, reason: 'no_root_run' }]);
});

test('of two roots that name two runs the first committed stays, and the second is counted', async () => {
  const traceId = hex(32);
  await send(1, [run(traceId, 5)]);
  await send(1, [run(traceId, 6)], other);
  await send(1, [item(traceId)], other);
  expect((await rowsOf(traceId)).filter((row) => row.event === 'finish').map((row) => row.run_id)).toEqual(
    expect.arrayContaining([5, 5, 6]),
  );
  expect((await rowsOf(traceId)).filter((row) => row.company_id === 3)).toMatchObject([{ run_id: 5 }]);
  expect(await refusals()).toEqual([{ tenant_id: 0, reason: 'conflict', spans: 1 }]);
});

describe('walls between tenants', () => {
  test("rows without a tenant follow an ingest token's root, with the item id of their tenant", async () => {
    const traceId = hex(32);
    const long = `https://acme.example/${'x'.repeat(400)}`;
    await send('ingest', [
      item(traceId, [text(ATTR.itemId, 'acme.example')]),
      item(traceId, [text(ATTR.itemId, long)]),
    ]);
    expect(await parkedOf(traceId)).toHaveLength(2);
    await send('ingest', [run(traceId, 7, [int(ATTR.tenantId, 2)])]);
    // The same items, sent with their tenant: the same ids.
    await send(2, [item(traceId, [text(ATTR.itemId, 'acme.example')]), item(traceId, [text(ATTR.itemId, long)])]);
    const rows = (await rowsOf(traceId)).filter((row) => row.company_id !== null);
    expect(rows).toHaveLength(4);
    expect(rows.every((row) => row.tenant_id === 2 && row.run_id === 7)).toBe(true);
    expect(rows.filter((row) => row.company_id === hashItem(2, 'acme.example'))).toHaveLength(2);
    expect(new Set(rows.map((row) => row.company_id)).size).toBe(2);
  });

  test("a tenant's token pulls neither rows without a tenant nor another tenant's, whatever trace it binds, before or after", async () => {
    const traceId = hex(32);
    const theirs = () => [send('ingest', [item(traceId)]), send(2, [item(traceId)])];
    await Promise.all(theirs());
    await send(1, [run(traceId, 8)]);
    await Promise.all(theirs());
    await ledger.writer.sweepParked();
    expect((await parkedOf(traceId)).map((row) => row.tenant_id)).toEqual([0, 0, 2, 2]);
    expect((await rowsOf(traceId)).every((row) => row.tenant_id === 1 && row.company_id === null)).toBe(true);
  });

  test("an ingest token's root of one tenant does not pull what another tenant's token sent", async () => {
    const traceId = hex(32);
    await send(2, [item(traceId)]);
    await send('ingest', [item(traceId), run(traceId, 9, [int(ATTR.tenantId, 1)])]);
    expect(await parkedOf(traceId)).toEqual([{ tenant_id: 2, reason: 'no_run_yet' }]);
    expect((await rowsOf(traceId)).every((row) => row.tenant_id === 1 && row.run_id === 9)).toBe(true);
  });

  test('a trace bound by a tenant stays open to the ingest token that binds it for what came without a tenant', async () => {
    const traceId = hex(32);
    await send(1, [run(traceId, 10)]);
    await send('ingest', [item(traceId), run(traceId, 11, [int(ATTR.tenantId, 2)])]);
    expect((await rowsOf(traceId)).filter((row) => row.company_id === 3)).toMatchObject([{ tenant_id: 2, run_id: 11 }]);
  });
});

test('one receiver parks while another binds: the sweep finds it', async () => {
  const traceId = hex(32);
  const child = item(traceId);
  // Holding the row's own key makes the parking receiver wait between looking for the binding and parking, and nobody else.
  await superuser.query('begin');
  await superuser.query(
    `insert into runledger.parked_spans (tenant_id, trace_id, ts, span_id, seq, reason, row, parked_at)
     values (1, $1, to_timestamp($2::numeric / 1000000), $3, 1, 'no_run_yet', '{}', now())`,
    [traceId, END_US, child.spanId],
  );
  const parking = send(1, [child], other);
  await untilWaiting();
  await send(1, [run(traceId, 12)], ledger);
  await superuser.query('rollback');
  await parking;
  expect(await parkedOf(traceId)).toHaveLength(1);
  expect(await ledger.writer.sweepParked()).toBe(1);
  expect(await parkedOf(traceId)).toEqual([]);
  expect((await rowsOf(traceId)).filter((row) => row.company_id === 3)).toMatchObject([{ tenant_id: 1, run_id: 12 }]);
  expect(await ledger.writer.sweepParked()).toBe(0);
  expect((await audit(ledger.ownerPool)).difference).toBe(0);
});

async function untilWaiting(): Promise<void> {
  for (;;) {
    const { rows } = await superuser.query(
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('what waits too long goes, and is counted for its tenant under its reason', async () => {
  const [old, young] = [hex(32), hex(32)];
  await send(1, [item(old), call(old)]);
  await send('ingest', [item(old)]);
  await send(2, [at({ traceId: old, parentSpanId: '' }), item(old)]);
  await superuser.query("update runledger.parked_spans set parked_at = now() - interval '25 hours'");
  await send(1, [item(young)]);
  await ledger.writer.expireParked();
  expect(await parkedOf(old)).toEqual([]);
  expect(await parkedOf(young)).toHaveLength(1);
  expect(await refusals()).toEqual([
    { tenant_id: 0, reason: 'expired_no_run_yet', spans: 1 },
    { tenant_id: 1, reason: 'expired_no_run_yet', spans: 2 },
    { tenant_id: 2, reason: 'expired_no_root_run', spans: 1 },
  ]);
});

test('a tenant with too much waiting has to come back; requests beside it in the same commit do not', async () => {
  await superuser.query(
    `insert into runledger.parked_spans (tenant_id, trace_id, ts, span_id, seq, reason, row, parked_at)
     select 2, lpad(n::text, 32, 'f'), now(), lpad(n::text, 16, '0'), 1, 'no_run_yet', '{}', now() from generate_series(1, $1::int) n`,
    [LIMITS.parkedRows],
  );
  const [mine, theirs] = [hex(32), hex(32)];
  const sent = Array.from({ length: 12 }, (_, index) => [
    send(1, [index % 2 === 0 ? item(mine) : run(hex(32), 2000 + index)]),
    send(2, [index % 2 === 0 ? item(theirs) : run(hex(32), 2000 + index)]),
  ]).flat();
  const results = await Promise.allSettled(sent);
  for (const [index, result] of results.entries()) {
    const isFull = index % 4 === 1;
    expect(result.status).toBe(isFull ? 'rejected' : 'fulfilled');
    if (result.status !== 'rejected') continue;
    expect(result.reason).toBeInstanceOf(RequestError);
    expect(result.reason).toMatchObject({ code: 'too_many_requests', status: 429, retryable: true });
    expect((result.reason as Error).message).toMatch(/send the root, or put runledger\.run\.id on every span/);
  }
  expect(await parkedOf(mine)).toHaveLength(6);
  expect(await parkedOf(theirs)).toEqual([]);
  const runs = await ledger.query<{ runs: number }>(
    'select count(*)::int as runs from public.enrichment_runs where run_id between 2000 and 2011',
  );
  expect(runs).toEqual([{ runs: 12 }]);
});
