/** The CSV export: its columns are a promise, a spreadsheet runs nothing in it, and a slow reader costs neither memory nor a transaction. */

import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseCsv } from '../helpers/csv.ts';
import { createDays, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import { readParquet } from '../helpers/parquet_read.ts';
import { seedRun } from './api_seed.ts';
import { type ApiUnderTest, bearer, startApi, TENANT_A } from './api_server.ts';

let api: ApiUnderTest;
const BIG_RUN = 99;
const BIG_ROWS = 200_000;
const MIB = 1024 * 1024;
const STEP_BYTES = MIB;
/** Looks in a row that find no open transaction: between two pages of a reading that goes on there is none for a moment either. */
const STILL_LOOKS = 20;
const night = new Date('2026-11-22T23:55:00.000Z');

const PROMISED = 'run_id,tenant_id,stage,company_id,event,status,error_code,duration_ms,trace_id,extra,ts';
const OURS =
  'span_id,seq,kind,vendor,calls,errors,units_total,units_success,units_error,rate_limit_hits,quota_exhausted,cost_usd,tokens_input,tokens_output,price_id,bucket,metrics';

beforeAll(async () => {
  api = await startApi();
  await createDays(api.owner, '2026-11-21', '2026-11-24');
});
afterAll(() => api.stop());

interface Export {
  header: string;
  lines: string[];
  trailer: string | undefined;
}

/** Reads with node:http, because fetch does not show trailers. */
function exportRun(runId: number, token: string): Promise<Export> {
  return new Promise((resolve, reject) => {
    get(`${api.url}/export/run_events.csv?run_id=${runId}`, { headers: bearer(token) }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const [header = '', ...lines] = Buffer.concat(chunks).toString().trimEnd().split('\n');
      resolve({ header, lines, trailer: response.trailers['x-runledger-rows'] });
    }).on('error', reject);
  });
}

it('JSON lines and CSV hold the same rows; QA samples are a file of their own, harmless to spreadsheets', async () => {
  await seedRun(api.owner, { tenantId: TENANT_A, runId: 3, startedAt: night, items: 400 });
  await api.owner.query(
    `insert into qa_samples (run_id, tenant_id, company_id, bucket, notes) values (3, $1, 1, 'High', '=1+1'), (3, $1, 2, 'High', null)`,
    [TENANT_A],
  );
  const { lines: csv } = await readExport('run_events.csv', 3);
  const { text, trailer, type } = await readExport('run_events.jsonl', 3);
  expect(type).toBe('application/jsonl; charset=utf-8');
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { span_id: string; seq: number; stage: string });
  expect(trailer).toBe(String(events.length));
  expect(events.map((event) => `${event.stage} ${event.span_id} ${event.seq}`)).toEqual(
    csv.slice(1).map((line) => {
      const [, , stage, ...rest] = line.split(',');
      const found = /Z,([0-9a-f]{16}),(-?\d+),/.exec(rest.join(','));
      return `${stage} ${found?.[1]} ${found?.[2]}`;
    }),
  );
  const qa = await readExport('qa.csv', 3);
  expect([qa.trailer, qa.lines.length]).toEqual(['2', 3]);
  expect(qa.lines[1]).toContain("'=1+1");
});

async function readExport(file: string, runId: number) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${api.url}/export/${file}?run_id=${runId}`, { headers: bearer(api.tokens.a) }, resolve).on('error', reject);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const lines = text.trimEnd().split('\n');
  return { text, lines, trailer: response.trailers['x-runledger-rows'], type: response.headers['content-type'] };
}

it('the eleven promised columns come first and in order; every row comes once, in key order, over midnight too', async () => {
  const rows = await seedRun(api.owner, { tenantId: TENANT_A, runId: 1, startedAt: night, items: 700 });
  const { header, lines, trailer } = await exportRun(1, api.tokens.a);
  expect(header).toBe(`${PROMISED},${OURS}`);
  expect(lines).toHaveLength(rows.length);
  expect(rows.length).toBeGreaterThan(4000);
  expect(trailer).toBe(String(rows.length));
  const { rows: stored } = await api.owner.query(
    `select to_char(ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || ',' || span_id || ',' || seq as key
     from run_event_logs where run_id = 1 order by ts, span_id, seq`,
  );
  const keys = lines.map((line) => /,(20\d\d-[^,]+Z,[0-9a-f]{16},-?\d+),/.exec(line)?.[1]);
  expect(keys).toEqual(stored.map((row) => row.key));
  expect(new Set(keys.map((key) => key?.slice(0, 10)))).toEqual(new Set(['2026-11-22', '2026-11-23']));
});

it('cells that a spreadsheet would run are neutralised, others are left as they are', async () => {
  const formulas = [
    '=cmd()',
    '+1',
    '-1+1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    ' =1',
    '\n=1',
    '＝1',
    '=HYPERLINK("http://x","y")',
  ];
  const plain = ['a=b', '1-2', 'x@y', '"quoted", and more', '{"a": "=1"}', '-'];
  const run = { tenant_id: TENANT_A, run_id: 2 };
  const ts = (n: number) => `2026-11-22 10:00:0${Math.floor(n / 10)}.00000${n % 10}+00`;
  const rows = [...formulas, ...plain].map((stage, n) => ledgerRow({ ...run, kind: 'stage', stage, ts: ts(n) }));
  await writeRows(api.owner, rows);
  const text = await (await api.get('/export/run_events.csv?run_id=2', api.tokens.a)).text();
  const stages = parseCsv(text)
    .slice(1)
    .map((cells) => cells[2] ?? '');
  expect(stages.slice(0, formulas.length)).toEqual(formulas.map((formula) => `'${formula}`));
  // A lone dash is neutralised as well: the rule looks at the first character only.
  expect(stages.slice(formulas.length)).toEqual([...plain.slice(0, -1), "'-"]);
  const seqs = parseCsv(text)
    .slice(1)
    .map((cells) => cells[12]);
  expect(new Set(seqs)).toEqual(new Set(['1']));
});

it('a negative seq stays a number', async () => {
  await writeRows(api.owner, [
    ledgerRow({ tenant_id: TENANT_A, run_id: 3, kind: 'log', seq: -1, ts: '2026-11-22 10:00:00+00', event: 'note' }),
  ]);
  const { lines } = await exportRun(3, api.tokens.a);
  expect(lines[0]?.split(',')[12]).toBe('-1');
});

it('HEAD answers the headers and reads nothing', async () => {
  const answer = await api.get('/export/run_events.csv?run_id=1', api.tokens.a, { method: 'HEAD' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/csv');
  expect(await answer.text()).toBe('');
});

it('HTTP/1.0, which knows no trailers, gets the whole file and harms nobody', async () => {
  const { lines } = await exportRun(1, api.tokens.a);
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET /export/run_events.csv?run_id=1 HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${api.tokens.a}\r\n\r\n`,
  );
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString().split('\r\n\r\n')[1] ?? '';
  expect(body.trimEnd().split('\n').slice(1).join('\n') === lines.join('\n')).toBe(true);
});

it('an export that fails before its first byte is an ordinary problem', async () => {
  await api.owner.query('alter table run_event_logs rename to run_event_logs_away');
  try {
    const answer = await api.get('/export/run_events.csv?run_id=1', api.tokens.a);
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-disposition')).toBeNull();
    expect(await answer.json()).toMatchObject({ status: 500, detail: expect.not.stringContaining('run_event_logs') });
  } finally {
    await api.owner.query('alter table run_event_logs_away rename to run_event_logs');
  }
  expect((await api.get('/healthz')).status).toBe(200);
});

/** What may be held beside the file: a page and the sockets' buffers, or a group of rows of which a column file is made. */
const SLOW_READERS = [
  { file: 'run_events.csv', heldBytes: 16 * MIB, leastBytes: 30 * MIB, rowsOf: (body: Buffer) => count(body, 10) - 1 },
  {
    file: 'run_events.parquet',
    heldBytes: 48 * MIB,
    leastBytes: 2 * MIB,
    rowsOf: async (body: Buffer) => (await readParquet(body)).rowCount,
  },
];

it.each(SLOW_READERS)(
  'a reader of $file who stops for a while keeps memory flat and holds no transaction; then gets every row',
  async ({ file, heldBytes, leastBytes, rowsOf }) => {
    await fillBigRun();
    const response = await open(`${api.url}/export/${file}?run_id=${BIG_RUN}`);
    const before = memoryBytes();
    // The reading stops once the sockets' buffers are full, whenever that is; a transaction held for the reader would stay, for the server
    // ends an idle one only after fifteen seconds.
    const transactions = `select count(*)::int as sessions, count(coalesce(xact_start::text, backend_xmin::text))::int as open
      from pg_stat_activity where datname = current_database() and application_name = 'runledger_reader'`;
    const looks: { sessions: number; open: number }[] = [];
    const look = async () => {
      looks.push((await api.owner.query(transactions)).rows[0]);
      return looks.slice(-STILL_LOOKS).every(({ open }) => open === 0) && looks.length >= STILL_LOOKS;
    };
    await expect.poll(look, { timeout: 60_000, interval: 50 }).toBe(true);
    expect(looks.at(-1)?.sessions).toBeGreaterThan(0);
    expect(memoryBytes() - before).toBeLessThan(heldBytes);
    const chunks: Buffer[] = [];
    let bytes = 0;
    let highest = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      chunks.push(chunk);
      if (Math.floor(bytes / STEP_BYTES) !== Math.floor((bytes - chunk.length) / STEP_BYTES)) {
        highest = Math.max(highest, memoryBytes() - before - bytes);
      }
    }
    expect(await rowsOf(Buffer.concat(chunks))).toBe(BIG_ROWS);
    expect(response.trailers['x-runledger-rows']).toBe(String(BIG_ROWS));
    expect(bytes).toBeGreaterThan(leastBytes);
    expect(highest).toBeLessThan(heldBytes);
  },
  180_000,
);

let filled: Promise<unknown> | undefined;

function fillBigRun(): Promise<unknown> {
  filled ??= api.owner.query(FILL, [BIG_RUN, TENANT_A, BIG_ROWS]);
  return filled;
}

function count(body: Buffer, wanted: number): number {
  let found = 0;
  for (const byte of body) if (byte === wanted) found++;
  return found;
}

it('a reader who goes away ends the reading', async () => {
  const response = await open(`${api.url}/export/run_events.csv?run_id=${BIG_RUN}`);
  response.destroy();
  const busy = `select count(*)::int as n from pg_stat_activity where datname = current_database()
    and application_name = 'runledger_reader' and state <> 'idle'`;
  await expect.poll(async () => (await api.owner.query(busy)).rows[0]?.n, { timeout: 60_000 }).toBe(0);
  const reads = async () => {
    const { rows } = await api.owner.query(
      `select sum(xact_commit)::int as n from pg_stat_database where datname = current_database()`,
    );
    return rows[0]?.n as number;
  };
  const first = await reads();
  await new Promise((resolve) => setTimeout(resolve, 1200));
  // Only the tests' own looks at the counter; an export that went on would commit a transaction for each of its 200 pages.
  expect((await reads()) - first).toBeLessThan(20);
  expect((await api.get('/runs', api.tokens.a)).status).toBe(200);
});

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers: bearer(api.tokens.a) }, (response) => {
      response.pause();
      resolve(response);
    }).on('error', reject);
  });
}

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is held for good reason: heap and buffers after a collection, so that garbage is no part of it. */
function memoryBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const FILL = `
with filled as (
  insert into run_event_logs (run_id, tenant_id, stage, company_id, event, status, duration_ms, trace_id, extra, ts, span_id, seq, kind, units_total, units_success)
  select $1, $2, 'crawl', n, 'finish', 'ok', n % 9000, repeat('ab', 16), jsonb_build_object('host', 'example-' || n || '.test'),
    timestamptz '2026-11-22 00:00:00Z' + n * interval '1 millisecond', lpad(to_hex(n), 16, '0'), 1, 'item', 1, 1
  from generate_series(1, $3::int) n
  returning ts
)
insert into enrichment_runs (run_id, tenant_id, started_at, first_event_at, last_event_at)
select $1, $2, min(ts), min(ts), max(ts) from filled`;
