/**
 * Nothing personal and nothing secret arrives in the database or in the log, wherever a sender put it: a receiver as it is started, real
 * requests, and then every column of every table as text.
 */

import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Attribute, LogRecord, Span } from '../../receiver/decode/shape.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { ADDRESSES, CONTENT_KEYS, ORDINARY, PAIRS, SECRET_KEYS, TOKENS } from '../fixtures/sensitive.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { bool, int, logBody, logRecord, requestWith, span, text, traceBody } from '../helpers/otlp.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

const NOW_US = (Date.now() - 60_000) * 1000;
const PLANTED = [...ADDRESSES, ...TOKENS, ...PAIRS];

let database: TestDatabase;
let receiver: TestReceiver;
let superuser: pg.Client;
let answers = '';

beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startTestReceiver(database.databaseUrl);
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
});

afterAll(async () => {
  await receiver.close();
  await superuser.end();
  await database.drop();
});

async function post(
  path: string,
  body: Uint8Array,
  encoding: 'protobuf' | 'json',
  token = receiver.ingestToken,
): Promise<number> {
  const type = encoding === 'json' ? 'application/json' : 'application/x-protobuf';
  const response = await fetch(`${receiver.urls.otlpHttp}/v1/${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': type },
    body: Buffer.from(body),
  });
  answers += Buffer.from(await response.arrayBuffer()).toString('utf8');
  return response.status;
}

/** Every row of every table of ours as text, partitions by their parents. */
async function dumpEverything(): Promise<string> {
  const { rows } = await superuser.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('public', 'runledger', 'graphile_worker') and c.relkind in ('r', 'p') and not c.relispartition`,
  );
  expect(rows.length).toBeGreaterThan(15);
  let dump = '';
  for (const { name } of rows) {
    const content = await superuser.query<{ line: string }>(`select t::text as line from ${name} t`);
    dump += content.rows.map(({ line }) => line).join('\n');
  }
  return dump;
}

let next = 1;
const hex = (digits: number): string => (next++).toString(16).padStart(digits, '0');
const ours = (kind: string, run: string): Attribute[] => [
  text(ATTR.kind, kind),
  int(ATTR.tenantId, 7),
  text(ATTR.runId, run),
];

/** One trace that says `secret` in every place where a span or a log record holds text. */
function spansSaying(secret: string): Span[] {
  const list: Attribute = {
    key: 'list',
    type: 5,
    value: [text('', secret), { type: 6, value: [text('inner', secret), text(secret, 'v')] }],
  };
  const attributes = [
    text(ATTR.stage, secret),
    text(ATTR.pipeline, secret),
    text(ATTR.itemId, secret),
    text(ATTR.itemBucket, secret),
    text(ATTR.errorCode, secret),
    text('plain', secret),
    text(secret, 'v'),
    text('gen_ai.request.model', secret),
    text('url.full', `https://x.example/${secret}`),
    text('tenant.id', secret),
    text(`runledger.metric.${secret}`, '5'),
    text(ATTR.costUsd, secret),
    text('item_id', secret),
    text(ATTR.langsmithUrl, `http://localhost/${secret}`),
    list,
  ];
  const events = [
    {
      timeUs: NOW_US - 5,
      timeNs: 0,
      name: secret,
      attributes: [text(ATTR.status, 'error'), text(ATTR.stage, secret), text('error.type', secret)],
    },
    { timeUs: NOW_US - 4, timeNs: 0, name: 'retry', attributes: [text('why', secret), text(secret, secret)] },
    {
      timeUs: NOW_US - 3,
      timeNs: 0,
      name: 'exception',
      attributes: [text('exception.type', secret), text('exception.message', secret)],
    },
  ];
  const traceId = hex(32);
  const one = (given: Partial<Span>): Span =>
    span({
      traceId,
      spanId: hex(16),
      parentSpanId: hex(16),
      name: secret,
      startUs: NOW_US - 1000,
      endUs: NOW_US,
      statusCode: 2,
      statusMessage: secret,
      events,
      ...given,
    });
  return [
    one({ parentSpanId: '', attributes: [...ours('run', secret), ...attributes] }),
    one({ attributes: [...ours('stage', secret), ...attributes] }),
    one({ attributes: [...ours('item', secret), ...attributes] }),
    one({ attributes: [...ours('vendor_call', secret), text(ATTR.vendor, secret), ...attributes] }),
    // Waits without a run, and is dumped as it waits.
    one({ traceId: hex(32), attributes: [text(ATTR.kind, 'item'), int(ATTR.tenantId, 7), ...attributes] }),
    // Refused, with a message.
    one({ attributes: [text(ATTR.kind, 'item'), bool(ATTR.runId, true), text(ATTR.tenantId, secret)] }),
  ];
}

function logsSaying(secret: string): LogRecord[] {
  const attributes = [
    int(ATTR.tenantId, 7),
    text(ATTR.runId, '5'),
    text('plain', secret),
    text(secret, secret),
    text(ATTR.stage, secret),
    text('exception.type', secret),
  ];
  const times = { timeUs: NOW_US, observedUs: NOW_US };
  return [
    logRecord({ ...times, eventName: secret, body: text('', secret), attributes }),
    logRecord({ ...times, severity: 17, body: text('', secret), attributes }),
    logRecord({
      ...times,
      severity: 21,
      severityText: secret,
      body: { type: 6, value: [text('m', secret)] },
      attributes: [...attributes, text('log.record.uid', secret)],
    }),
  ];
}

test('secrets and addresses: in no table, no answer and no log line', { timeout: 60_000 }, async () => {
  const resource = {
    attributes: [
      text('host.name', 'h1'),
      ...PLANTED.slice(0, 20).map(([secret], index) => text(`resource${index}`, secret)),
    ],
  };
  const scope = { name: 'enrich', version: '1', attributes: [text('owner', PLANTED[0]?.[0] ?? '')] };
  const cover = <R>(records: R[]) => [{ resource, scopes: [{ scope, records }] }];
  for (const encoding of ['protobuf', 'json'] as const) {
    for (const [secret] of PLANTED) {
      expect(await post('traces', traceBody(cover(spansSaying(secret)), encoding), encoding)).toBe(200);
      expect(await post('logs', logBody(cover(logsSaying(secret)), encoding), encoding)).toBe(200);
    }
  }
  const stored = await superuser.query<{ rows: number }>('select count(*)::int as rows from public.run_event_logs');
  expect(stored.rows[0]?.rows).toBeGreaterThan(PLANTED.length * 8);
  const written = `${await dumpEverything()}\n${JSON.stringify(receiver.logged)}\n${answers}`;
  const leaked = PLANTED.filter(([, part]) => written.includes(part) || written.includes(part.toLowerCase()));
  expect(leaked).toEqual([]);
});

test('values under secret-looking keys, and prompts in every dialect, are in no table', async () => {
  const planted = [...SECRET_KEYS, ...CONTENT_KEYS].map((key, index) => ({ key, value: `planted${index}words` }));
  const attributes = (kind: string, from: number) => [
    ...ours(kind, '6'),
    ...planted.slice(from, from + 20).map(({ key, value }) => text(key, value)),
  ];
  const spans: Span[] = [];
  for (let from = 0; from < planted.length; from += 20) {
    for (const kind of ['run', 'stage', 'item', 'vendor_call']) {
      const events = [{ timeUs: NOW_US, timeNs: 0, name: 'retry', attributes: attributes('item', from).slice(3) }];
      spans.push(
        span({
          traceId: hex(32),
          spanId: hex(16),
          parentSpanId: hex(16),
          startUs: NOW_US,
          endUs: NOW_US,
          events,
          attributes: attributes(kind, from),
        }),
      );
    }
  }
  expect(await post('traces', traceBody(requestWith(...spans), 'protobuf'), 'protobuf')).toBe(200);
  const records = planted.map(({ key, value }) =>
    logRecord({ timeUs: NOW_US, eventName: 'x', attributes: [...ours('', '6').slice(1), text(key, value)] }),
  );
  expect(await post('logs', logBody(requestWith(...records), 'json'), 'json')).toBe(200);
  const dump = await dumpEverything();
  expect(planted.filter(({ value }) => dump.includes(value))).toEqual([]);
});

test('contents of the real model spans are in no table', async () => {
  const folder = new URL('../fixtures/otlp/openinference/', import.meta.url);
  const attributes: Attribute[][] = readdirSync(folder).flatMap((file) => {
    const content = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as unknown;
    const maps = Array.isArray(content)
      ? content.map((one: { attributes: object }) => one.attributes)
      : [content as object];
    return maps.map((map) =>
      Object.entries(map).map(([key, value]) => text(key, typeof value === 'string' ? value : JSON.stringify(value))),
    );
  });
  expect(attributes.length).toBeGreaterThan(15);
  const spans = attributes.map((list) =>
    span({
      traceId: hex(32),
      spanId: hex(16),
      startUs: NOW_US,
      endUs: NOW_US,
      parentSpanId: hex(16),
      attributes: [...ours('vendor_call', '8'), ...list],
    }),
  );
  expect(await post('traces', traceBody(requestWith(...spans), 'json'), 'json')).toBe(200);
  const dump = await dumpEverything();
  // What people asked and what models answered in them.
  const words = [
    'Weather in Paris',
    'rainy',
    'sunny',
    'New York',
    'haiku',
    'Lines of code align',
    'scrambled eggs',
    'TypeScript dances',
    'quick brown fox',
    '0.018449828',
  ];
  expect(words.filter((word) => dump.includes(word))).toEqual([]);
  expect(dump).toContain('gpt-4-0613');
});

test('ids, versions and ordinary words survive', async () => {
  const attributes = ORDINARY.map((value, index) => text(`ordinary${index}`, value));
  const spans = [0, 10, 20].map((from) =>
    span({
      traceId: hex(32),
      spanId: hex(16),
      parentSpanId: hex(16),
      startUs: NOW_US,
      endUs: NOW_US,
      attributes: [...ours('item', '9'), ...attributes.slice(from, from + 10)],
    }),
  );
  expect(await post('traces', traceBody(requestWith(...spans), 'protobuf'), 'protobuf')).toBe(200);
  const { rows } = await superuser.query<{ extra: Record<string, string> }>(
    'select extra from public.run_event_logs where run_id = 9',
  );
  const kept = Object.assign({}, ...rows.map(({ extra }) => extra)) as Record<string, string>;
  expect(ORDINARY.filter((value, index) => kept[`ordinary${index}`] !== value)).toEqual([]);
});
