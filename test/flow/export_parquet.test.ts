/** The Parquet export against the CSV and JSON lines of the same run: every cell, whatever is in it; and where other tenants' begins. */

import { execFile } from 'node:child_process';
import { get, type IncomingMessage } from 'node:http';
import { isDeepStrictEqual, promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { parseCsv } from '../helpers/csv.ts';
import { createDays } from '../helpers/ledger_writer.ts';
import { type ParquetValue, readParquet } from '../helpers/parquet_read.ts';
import { seedRun } from './api_seed.ts';
import { type ApiUnderTest, bearer, startApi, TENANT_A, TENANT_B } from './api_server.ts';

let api: ApiUnderTest;
const night = new Date('2026-11-22T23:55:00.000Z');
const EMPTY_RUN = 50;
const QA_RUN = 60;

beforeAll(async () => {
  api = await startApi();
  await createDays(api.owner, '2026-11-21', '2026-11-24');
});
afterAll(() => api.stop());

interface Downloaded {
  status: number;
  bytes: Buffer;
  trailer: string | undefined;
  type: string | undefined;
  disposition: string | undefined;
}

function download(file: string, runId: number, token = api.tokens.a): Promise<Downloaded> {
  return new Promise((resolve, reject) => {
    const read = async (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({
        status: response.statusCode ?? 0,
        bytes: Buffer.concat(chunks),
        trailer: response.trailers['x-runledger-rows'] as string | undefined,
        type: response.headers['content-type'],
        disposition: response.headers['content-disposition'],
      });
    };
    get(`${api.url}/export/${file}?run_id=${runId}`, { headers: bearer(token) }, (response) => {
      read(response).catch(reject);
    }).on('error', reject);
  });
}

/** A cell of the other formats: text of CSV by column, and the object of JSON lines. */
function expectSameCells(
  parquet: Awaited<ReturnType<typeof readParquet>>,
  csv: string[][],
  lines: Record<string, unknown>[],
): void {
  const [header = [], ...records] = csv;
  expect(parquet.columns.map(({ name }) => name)).toEqual(header);
  expect(parquet.rows).toHaveLength(records.length);
  expect(lines).toHaveLength(records.length);
  for (const [at, row] of parquet.rows.entries()) {
    const got = row.map((value, column) => asText(value, parquet.columns[column]?.mark));
    const wanted = header.map((name, column) => {
      const isText = parquet.columns[column]?.mark === 'STRING';
      if (isText) return (lines[at]?.[name] as string | null) ?? null;
      // No number, time, truth or JSON begins with an apostrophe of its own: it is CSV's guard against formulas.
      return records[at]?.[column]?.replace(/^'/, '') || null;
    });
    // What compares any two things takes long over ten thousands of rows; it is asked only to show a difference.
    if (!isDeepStrictEqual(got, wanted)) expect(got).toEqual(wanted);
  }
}

function asText(value: ParquetValue, mark: string | undefined): string | null {
  if (value === null) return null;
  return mark === 'TIMESTAMP' ? timeText(value as bigint) : String(value);
}

function timeText(micros: bigint): string {
  const millis = Number(micros / 1000n);
  return new Date(millis).toISOString().replace('Z', `${String(micros % 1000n).padStart(3, '0')}Z`);
}

async function allThree(runId: number) {
  const [parquet, csv, lines] = [
    await download('run_events.parquet', runId),
    await download('run_events.csv', runId),
    await download('run_events.jsonl', runId),
  ];
  const objects = lines.bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { parquet, read: await readParquet(parquet.bytes), csv: parseCsv(csv.bytes.toString()), lines: objects };
}

it('an ordinary run: types of a warehouse, rows in key order over midnight, and their number in footer and trailer', async () => {
  const rows = await seedRun(api.owner, { tenantId: TENANT_A, runId: 1, startedAt: night, items: 300 });
  const { parquet, read, csv, lines } = await allThree(1);
  expect(parquet.type).toBe('application/vnd.apache.parquet');
  expect(parquet.disposition).toBe('attachment; filename="run_events_7_1.parquet"');
  expect(parquet.trailer).toBe(String(rows.length));
  expect(read.rowCount).toBe(rows.length);
  expect(read.columns.slice(0, 11)).toEqual([
    { name: 'run_id', type: 'INT64', mark: undefined, olderMark: undefined, required: true },
    { name: 'tenant_id', type: 'INT32', mark: undefined, olderMark: undefined, required: true },
    { name: 'stage', type: 'BYTE_ARRAY', mark: 'STRING', olderMark: 'UTF8', required: true },
    { name: 'company_id', type: 'INT64', mark: undefined, olderMark: undefined, required: false },
    { name: 'event', type: 'BYTE_ARRAY', mark: 'STRING', olderMark: 'UTF8', required: true },
    { name: 'status', type: 'BYTE_ARRAY', mark: 'STRING', olderMark: 'UTF8', required: true },
    { name: 'error_code', type: 'BYTE_ARRAY', mark: 'STRING', olderMark: 'UTF8', required: false },
    { name: 'duration_ms', type: 'INT32', mark: undefined, olderMark: undefined, required: false },
    { name: 'trace_id', type: 'BYTE_ARRAY', mark: 'STRING', olderMark: 'UTF8', required: true },
    { name: 'extra', type: 'BYTE_ARRAY', mark: 'JSON', olderMark: 'JSON', required: false },
    { name: 'ts', type: 'INT64', mark: 'TIMESTAMP', olderMark: 'TIMESTAMP_MICROS', required: true },
  ]);
  expectSameCells(read, csv, lines);
});

it('a run without events is a file with all its columns and no row', async () => {
  await api.owner.query(`insert into enrichment_runs (run_id, tenant_id, started_at) values ($1, $2, $3)`, [
    EMPTY_RUN,
    TENANT_A,
    night,
  ]);
  const { parquet, read, csv } = await allThree(EMPTY_RUN);
  expect([read.rowCount, read.rows.length, parquet.trailer]).toEqual([0, 0, '0']);
  expect(read.columns.map(({ name }) => name)).toEqual(csv[0]);
  const qa = await readParquet((await download('qa.parquet', EMPTY_RUN)).bytes);
  expect(qa.rowCount).toBe(0);
});

const LARGEST = '9223372036854775807';
const text = (max: number) =>
  fc
    .oneof(
      fc.string({ unit: 'grapheme', maxLength: max }),
      fc.constantFrom('', "'=1+1", '=cmd()', '😀\u{10ffff}é', 'a,"b"\r\nc', '\ufeff', 'ﬀ\u202e', 'null', "'"),
    )
    .map((value) => Array.from(value.replaceAll('\0', '')).slice(0, max).join(''));
const int64 = fc.oneof(fc.constantFrom('0', LARGEST, '9007199254740993'), fc.nat().map(String));
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const jsonText = fc.oneof(
  fc.constantFrom('{"n": 123456789012345678901234567890.00000000001}', '-1', '[]', '"\\u2028"', '{"": null}', '1e400'),
  fc.jsonValue().map((value) => JSON.stringify(value)),
);
const hostileRow = fc.record({
  stage: text(64),
  company_id: maybe(int64),
  event: text(64),
  status: fc.constantFrom('ok', 'error', 'skip', 'retry'),
  error_code: maybe(text(64)),
  duration_ms: maybe(fc.constantFrom(0, 2147483647, 17)),
  trace_id: text(40),
  extra: maybe(jsonText),
  micros: fc.nat({ max: 86_399_999_999 }),
  seq: fc.constantFrom(-2147483648, -2, -1, 0, 1, 2147483647),
  vendor: maybe(text(64)),
  calls: int64,
  rate_limit_hits: int64,
  quota_exhausted: fc.boolean(),
  cost_usd: maybe(fc.constantFrom('0', '0.1', `${LARGEST}0000.${'0'.repeat(40)}1`, '0.000000000001', '12.50')),
  tokens_input: int64,
  price_id: maybe(text(200)),
  bucket: maybe(text(16)),
  metrics: maybe(jsonText),
});

it('whatever a ledger can hold: every cell is what CSV and JSON lines say it is', async () => {
  let runId = 1000;
  await fc.assert(
    fc.asyncProperty(fc.array(hostileRow, { minLength: 1, maxLength: 40 }), async (rows) => {
      runId += 1;
      const lines = rows.map((row, at) => ({ ...row, span_id: at.toString(16).padStart(16, '0') }));
      await api.owner.query(INSERT, [runId, TENANT_A, JSON.stringify(lines)]);
      const { parquet, read, csv, lines: objects } = await allThree(runId);
      expect(read.rowCount).toBe(rows.length);
      expect(parquet.trailer).toBe(String(rows.length));
      expectSameCells(read, csv, objects);
    }),
    { numRuns: Number(process.env.PARQUET_RUNS ?? 25) },
  );
});

it('a run of more rows than a group holds comes in several groups, none left out', async () => {
  const runId = 70;
  await api.owner.query(FILL, [runId, TENANT_A, 25_001]);
  const { parquet, read, csv, lines } = await allThree(runId);
  expect(read.groupRows).toEqual([10_000, 10_000, 5_001]);
  expect(parquet.trailer).toBe('25001');
  expectSameCells(read, csv, lines);
});

it('QA samples: the columns of the CSV, notes as they are, a review that never was is null', async () => {
  await seedRun(api.owner, { tenantId: TENANT_A, runId: QA_RUN, startedAt: night, items: 4 });
  await api.owner.query(
    `insert into qa_samples (run_id, tenant_id, company_id, bucket, notes, result, reviewer, reviewed_at)
     values ($1, $2, 1, 'High', '=1+1', 'pass', 'Zoë', '2026-11-23 08:00:00.123456Z'), ($1, $2, 2, 'High', null, 'needs_review', null, null)`,
    [QA_RUN, TENANT_A],
  );
  const answer = await download('qa.parquet', QA_RUN);
  const read = await readParquet(answer.bytes);
  const [header] = parseCsv((await download('qa.csv', QA_RUN)).bytes.toString());
  expect(read.columns.map(({ name }) => name)).toEqual(header);
  expect([answer.trailer, read.rowCount]).toEqual(['2', 2]);
  const [reviewed, open] = read.rows.map((row) => Object.fromEntries(row.map((value, at) => [header?.[at], value])));
  expect(reviewed).toMatchObject({ company_id: 1n, notes: '=1+1', reviewer: 'Zoë', item: '1' });
  expect(timeText(reviewed?.reviewed_at as bigint)).toBe('2026-11-23T08:00:00.123456Z');
  expect(JSON.parse(String(reviewed?.checks))).toMatchObject({ domain: false });
  expect(open).toMatchObject({ company_id: 2n, notes: null, reviewer: null, reviewed_at: null });
});

it("another tenant's run is 404, and a run of the same number gives one's own rows alone", async () => {
  await seedRun(api.owner, { tenantId: TENANT_A, runId: 80, startedAt: night, items: 2 });
  await seedRun(api.owner, { tenantId: TENANT_A, runId: 81, startedAt: night, items: 2 });
  await seedRun(api.owner, { tenantId: TENANT_B, runId: 81, startedAt: night, items: 3 });
  for (const file of ['run_events.parquet', 'qa.parquet']) {
    expect((await download(file, 80, api.tokens.b)).status).toBe(404);
    expect((await download(file, 81, api.tokens.b)).status).toBe(200);
  }
  const own = await readParquet((await download('run_events.parquet', 81, api.tokens.b)).bytes);
  expect(own.rows.length).toBeGreaterThan(0);
  expect(new Set(own.rows.map((row) => row[1]))).toEqual(new Set([TENANT_B]));
});

it('the command writes the same file', async () => {
  const { PATH = '' } = process.env;
  const env = { PATH, DATABASE_URL: api.database.databaseUrl, RUNLEDGER_DATA_DIR: '/nonexistent' };
  const args = [...CLI_PROGRAM, 'export', '1', '--format', 'parquet'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, encoding: 'buffer', maxBuffer: 2 ** 26 });
  expect(stdout.equals((await download('run_events.parquet', 1)).bytes)).toBe(true);
});

const INSERT = `
with given as (
  select *, timestamptz '2026-11-22 00:00:00Z' + g.micros * interval '1 microsecond' as ts
  from jsonb_to_recordset($3::jsonb) as g(stage text, company_id bigint, event text, status text, error_code text, duration_ms int,
    trace_id text, extra text, micros bigint, seq int, vendor text, calls bigint, rate_limit_hits bigint, quota_exhausted boolean,
    cost_usd text, tokens_input bigint, price_id text, bucket text, metrics text, span_id text)
), filled as (
  insert into run_event_logs (run_id, tenant_id, stage, company_id, event, status, error_code, duration_ms, trace_id, extra, ts, span_id,
    seq, kind, vendor, calls, rate_limit_hits, quota_exhausted, cost_usd, tokens_input, price_id, bucket, metrics)
  select $1, $2, stage, company_id, event, status, error_code, duration_ms, trace_id, extra::jsonb, ts, span_id,
    seq, 'event', vendor, calls, rate_limit_hits, quota_exhausted, cost_usd::numeric, tokens_input, price_id, bucket, metrics::jsonb
  from given
  returning ts
)
insert into enrichment_runs (run_id, tenant_id, started_at, first_event_at, last_event_at)
select $1, $2, min(ts), min(ts), max(ts) from filled`;

const FILL = `
with filled as (
  insert into run_event_logs (run_id, tenant_id, stage, company_id, event, status, duration_ms, trace_id, extra, ts, span_id, seq, kind)
  select $1, $2, 'crawl', n, 'finish', 'ok', n % 9000, repeat('ab', 16), jsonb_build_object('host', 'example-' || n || '.test'),
    timestamptz '2026-11-22 00:00:00Z' + n * interval '1 millisecond', lpad(to_hex(n), 16, '0'), 1, 'item'
  from generate_series(1, $3::int) n
  returning ts
)
insert into enrichment_runs (run_id, tenant_id, started_at, first_event_at, last_event_at)
select $1, $2, min(ts), min(ts), max(ts) from filled`;
