/**
 * The demo against a real receiver: what it counted itself is what the ledger has, and sending its requests again, in any order and cut anew,
 * changes no table.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_TENANTS } from '../../demo/companies.ts';
import { compareWithLedger } from '../../demo/compare.ts';
import { type LedgerView, readLedger } from '../../demo/ledger.ts';
import { type Performance, perform, type StageManager } from '../../demo/perform.ts';
import { decodeTraces } from '../../receiver/decode/decode.ts';
import type { Resource, Scope, Span } from '../../receiver/decode/shape.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { dumpLedger } from '../helpers/dump.ts';
import { type Ledger, openLedger } from '../helpers/ledger.ts';
import { drain, type RequestModel, traceBody } from '../helpers/otlp.ts';
import { createRandom, type Random } from '../helpers/random_spans.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';
import { type RecordingProxy, sendAgain, startRecordingProxy } from '../helpers/recording_proxy.ts';

const TENANTS = DEMO_TENANTS.map(({ tenantId }) => String(tenantId));
const COMPANIES = 40;
const NIGHTS = 3;
const SENDERS = 4;

interface Place {
  database: TestDatabase;
  receiver: TestReceiver;
  ledger: Ledger;
}

const places: Place[] = [];
let played: Performance;
let proxy: RecordingProxy;
let view: LedgerView;
let home: Place;

beforeAll(async () => {
  home = await openPlace();
  proxy = await startRecordingProxy(home.receiver.urls.otlpHttp);
  const silent: StageManager = {
    nightBegins: () => undefined,
    runBegins: () => ({ progress: () => undefined, ended: () => undefined }),
  };
  played = await perform({
    endpoint: proxy.url,
    token: home.receiver.ingestToken,
    nights: NIGHTS,
    companies: COMPANIES,
    signal: new AbortController().signal,
    stage: silent,
  });
  view = await readLedger(home.database.databaseUrl, played.runs);
});

afterAll(async () => {
  await proxy?.close();
  for (const { database, receiver, ledger } of places) {
    await ledger.close();
    await receiver.close();
    await database.drop();
  }
});

async function openPlace(): Promise<Place> {
  const database = await createTestDatabase();
  const ledger = await openLedger(database.databaseUrl, TENANTS);
  const receiver = await startTestReceiver(database.databaseUrl);
  const place = { database, receiver, ledger };
  places.push(place);
  return place;
}

test("the demo's own count and the vendors' books equal the ledger in every value", () => {
  const comparison = compareWithLedger(played.runs, view.pages);
  expect(comparison.differences).toEqual([]);
  expect(comparison.values).toBeGreaterThan(900);
  expect(played.sent).toMatchObject({ dropped: 0, pending: 0, internalErrors: 0 });
  expect(played.sent.exported).toBe(played.sent.queued);
});

test('a recount finds no difference and every run is complete', () => {
  expect(view.audit).toMatchObject({ difference: 0, runs_checked: NIGHTS * DEMO_TENANTS.length });
  expect(view.pages.map(({ run }) => run.complete)).toEqual(Array(NIGHTS * DEMO_TENANTS.length).fill(true));
  expect(view.listed).toHaveLength(NIGHTS * DEMO_TENANTS.length);
});

test('the nights are the last three, and the last one is the one to learn from', () => {
  const of = (index: number) => view.pages[index]?.run;
  expect(view.pages.map(({ run }) => run.status)).toEqual([...Array(4).fill('succeeded'), 'failed', 'succeeded']);
  expect([3, 4, 5].map((index) => of(index)?.degraded)).toEqual([true, false, true]);
  const dayMs = 86_400_000;
  for (const index of [0, 1, 2, 3]) {
    const gapMs = Date.parse(of(index + 2)?.started_at ?? '') - Date.parse(of(index)?.started_at ?? '');
    // An hour more or less where the clocks change.
    expect(Math.abs(gapMs - dayMs)).toBeLessThanOrEqual(3_600_000);
  }
  const failed = view.pages[4]?.stats;
  expect(failed?.vendor_usage.find(({ vendor }) => vendor === 'openai')?.quota_exhausted).toBe(true);
  expect(failed?.stage_stats.find(({ stage }) => stage === 'score')?.status).toBe('error');
  expect(failed?.stage_stats.find(({ stage }) => stage === 'export_odoo')?.count_error).toBeGreaterThan(0);
});

test('a wrong value would be seen: one unit more, one hit less, a run that lacks a vendor', () => {
  const wrong = structuredClone(view.pages);
  const [first, second, third] = wrong;
  if (first === undefined || second === undefined || third === undefined) throw new Error('runs are missing');
  for (const stage of first.stats.stage_stats) if (stage.stage === 'crawl') stage.count_total++;
  for (const usage of second.stats.vendor_usage) if (usage.vendor === 'openai') usage.rate_limit_hits--;
  third.stats.vendor_usage = third.stats.vendor_usage.filter(({ vendor }) => vendor !== 'lusha');
  const places = compareWithLedger(played.runs, wrong).differences.map(({ run, of }) => `${run} ${of}`);
  const keys = played.runs.map(({ tally }) => tally.runKey);
  expect(new Set(places)).toEqual(
    new Set([
      `${keys[0]} stage crawl`,
      `${keys[1]} vendor openai`,
      `${keys[1]} vendor openai, by its own books`,
      `${keys[2]} vendor lusha`,
      `${keys[2]} vendor lusha, by its own books`,
    ]),
  );
});

test('no address of a person reaches a row, though the pipeline handles hundreds', async () => {
  const rows = await home.ledger.query<{ text: string }>(
    "select e::text as text from run_event_logs e where e::text ~ '@|purchasing'",
  );
  expect(rows).toEqual([]);
});

test('its requests sent again ten times over, shuffled, by four senders at once, change no table', async () => {
  const before = await dumpLedger(home.ledger);
  const random = createRandom(1);
  const again = random.shuffle(Array.from({ length: 10 }, () => proxy.passed).flat());
  expect(proxy.passed.every(({ status }) => status === 200)).toBe(true);
  await sendAll(home, again);
  expect(await dumpLedger(home.ledger)).toEqual(before);
});

test('its spans split and merged anew, in both encodings, change no table', async () => {
  const before = await dumpLedger(home.ledger);
  const random = createRandom(2);
  await sendAll(home, regroup(random));
  await sendAll(home, regroup(random));
  expect(await dumpLedger(home.ledger)).toEqual(before);
  expect((await readLedger(home.database.databaseUrl, played.runs)).audit.difference).toBe(0);
});

test('a ledger that gets the spans only shuffled and cut anew ends with the same tables', async () => {
  const other = await openPlace();
  const random = createRandom(3);
  await sendAll(other, regroup(random));
  await other.ledger.writer.sweepParked();
  const otherView = await readLedger(other.database.databaseUrl, played.runs);
  expect(compareWithLedger(played.runs, otherView.pages).differences).toEqual([]);
  expect(otherView.audit.difference).toBe(0);
  expect(await dumpLedger(other.ledger)).toEqual(await dumpLedger(home.ledger));
});

/** All spans that passed, in random order, in requests of random sizes, each in one encoding or the other. */
function regroup(random: Random): { body: Buffer; encoding: 'protobuf' | 'json' }[] {
  const spans = proxy.passed.flatMap(({ body, encoding }) => drain(decodeTraces(body, encoding)).records);
  expect(spans.length).toBe(played.sent.exported);
  const left = random.shuffle(spans);
  const requests = [];
  while (left.length > 0) {
    const encoding = random.chance(0.5) ? ('protobuf' as const) : ('json' as const);
    const model = left.splice(0, 1 + random.below(300)).map(asRequest);
    requests.push({ body: Buffer.from(traceBody(model, encoding)), encoding });
  }
  return requests;
}

/** Each span in a resource and scope of its own, as if every one had come from another place. */
function asRequest({ resource, scope, record }: { resource: Resource; scope: Scope; record: Span }) {
  const group: RequestModel<Span>[number] = { resource, scopes: [{ scope, records: [record] }] };
  return group;
}

async function sendAll(
  { receiver }: Place,
  requests: { body: Buffer; encoding: 'protobuf' | 'json' }[],
): Promise<void> {
  const queue = requests.values();
  const sender = async () => {
    for (const request of queue) await sendAgain(receiver.urls.otlpHttp, receiver.ingestToken, request);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}
