/** JSON texts that were mapped are stored as they are, whatever is done to their rows on the way. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Span } from '../../receiver/decode/shape.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { OTHER_NAME } from '../../receiver/map/row.ts';
import { ATTR, METRIC_PREFIX } from '../../sdk/attributes.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { type Ledger, openLedger } from '../helpers/ledger.ts';
import { int, requestWith, span, text, traceBody } from '../helpers/otlp.ts';

let database: TestDatabase;
let ledger: Ledger;

beforeAll(async () => {
  database = await createTestDatabase();
  ledger = await openLedger(database.databaseUrl);
});

afterAll(async () => {
  await ledger.close();
  await database.drop();
});

const END_US = (Date.now() - 3_600_000) * 1000;
const TIMES = { startUs: END_US - 1_000_000, endUs: END_US };
const WHOLE = 2n ** 63n - 1n;
/** Names that JSON.parse may confuse (Node 24) beside numbers that it always rounds. */
const KEYS = ['!q', '"a', '\\"'];
const STORED = { '!q': WHOLE.toString(), '"a': WHOLE.toString(), '\\"': WHOLE.toString() };
const send = (...spans: Span[]) => ledger.sendAs(1, traceBody(requestWith(...spans), 'protobuf'), 'protobuf');
const odd = KEYS.map((key) => int(key, WHOLE));

test('a row beyond the limits of names keeps what it carries, and says what its stage and vendor were', async () => {
  const calls = Array.from({ length: LIMITS.stagesPerRun + 2 }, (_, index) =>
    span({
      ...TIMES,
      traceId: '1'.repeat(32),
      spanId: (index + 1).toString(16).padStart(16, '0'),
      attributes: [
        text(ATTR.kind, 'vendor_call'),
        int(ATTR.runId, 5),
        text(ATTR.stage, `stage "${index}"`),
        text(ATTR.vendor, `vendor${index}`),
        ...(index < LIMITS.stagesPerRun ? [] : odd),
      ],
    }),
  );
  await send(...calls);
  const rows = await ledger.query(
    `select stage, vendor, extra ->> 'stage_limit' as stage_limit, extra ->> 'vendor_limit' as vendor_limit,
       (select jsonb_object_agg(key, value) from jsonb_each_text(extra) where key = any ($1)) as odd
     from public.run_event_logs where run_id = 5 and extra ? 'stage_limit' order by span_id`,
    [KEYS],
  );
  expect(rows).toEqual(
    [LIMITS.stagesPerRun, LIMITS.stagesPerRun + 1].map((index) => ({
      stage: OTHER_NAME,
      vendor: OTHER_NAME,
      stage_limit: `stage "${index}"`,
      vendor_limit: `vendor${index}`,
      odd: STORED,
    })),
  );
  const [bare] = await ledger.query(
    `select extra - 'name' as extra from public.run_event_logs where run_id = 5 and vendor = $1 order by span_id limit 1`,
    [OTHER_NAME],
  );
  expect(bare).toEqual({ extra: { vendor_limit: `vendor${LIMITS.vendorsPerRun}` } });
});

test("a run's resource is stored as it was sent", async () => {
  const run = span({ ...TIMES, parentSpanId: '', attributes: [text(ATTR.kind, 'run'), int(ATTR.runId, 6)] });
  const request = requestWith(run).map((group) => ({ ...group, resource: { attributes: odd } }));
  await ledger.sendAs(1, traceBody(request, 'protobuf'), 'protobuf');
  expect(
    await ledger.query(
      `select jsonb_typeof(resource) as type, (select jsonb_object_agg(key, value) from jsonb_each_text(resource)) as resource
       from public.enrichment_runs where run_id = 6`,
    ),
  ).toEqual([{ type: 'object', resource: STORED }]);
});

test('what waited is stored as it was sent: names of metrics with escapes, integers beyond 2^53', async () => {
  const traceId = '2'.repeat(32);
  const names = ['!q', '"a'];
  const metrics = names.map((name) => int(`${METRIC_PREFIX}${name}`, 2));
  const stage = [text(ATTR.kind, 'stage'), text(ATTR.stage, 'crawl')];
  await send(span({ ...TIMES, traceId, parentSpanId: 'a'.repeat(16), attributes: [...stage, ...metrics, ...odd] }));
  expect(await ledger.query('select distinct reason from runledger.parked_spans')).toEqual([{ reason: 'no_run_yet' }]);
  // What an earlier object's keys were must not matter: Node 24's JSON.parse takes the second name for this one.
  const earlier = JSON.parse('{"!q":"1","\\\\\\"":"1"}');
  const root = [text(ATTR.kind, 'run'), int(ATTR.runId, 7)];
  await send(span({ ...TIMES, traceId, spanId: 'a'.repeat(16), parentSpanId: '', attributes: root }));
  expect(Object.keys(earlier)).toEqual(['!q', '\\"']);
  expect(
    await ledger.query('select name, value::text from public.run_metrics where run_id = 7 order by name collate "C"'),
  ).toEqual(names.map((name) => ({ name, value: '2' })));
  expect(
    await ledger.query(
      `select (select jsonb_object_agg(key, value) from jsonb_each_text(extra) where key = any ($1)) as odd
       from public.run_event_logs where run_id = 7 and kind = 'stage' and seq = 1`,
      [KEYS],
    ),
  ).toEqual([{ odd: STORED }]);
});
