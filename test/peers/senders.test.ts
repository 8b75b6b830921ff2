/** Other senders: Python with OpenTelemetry's own SDK, to Runledger itself over both protocols and through the Collector; the demo; the doctor. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeFigures } from './figures.ts';
import { INGEST_TOKEN, onLedger, openScene, type Scene } from './scene.ts';

const run = promisify(execFile);
const MINUTE_MS = 60_000;
const ITEMS = 300;
const PIPELINE = fileURLToPath(new URL('pipeline.py', import.meta.url));
const CLI = fileURLToPath(new URL('../../receiver/cli/main.ts', import.meta.url));

let scene: Scene;
const figures: Record<string, string> = {};

beforeAll(async () => {
  scene = await openScene();
}, 2 * MINUTE_MS);

afterAll(() => scene?.close(), MINUTE_MS);

const WAYS: [string, 'grpc' | 'http', () => [endpoint: string, token: string]][] = [
  ['gRPC to Runledger', 'grpc', () => [scene.receiver()?.urls.otlpGrpc ?? '', INGEST_TOKEN]],
  ['HTTP to Runledger', 'http', () => [scene.otlpUrl, INGEST_TOKEN]],
  ['gRPC through the Collector', 'grpc', () => [`http://${scene.collector.grpcTarget}`, 'none']],
  ['HTTP through the Collector', 'http', () => [scene.collector.httpUrl, 'none']],
];

test.each(WAYS)(
  'over %s the ledger has exactly what the pipeline did',
  async (name, protocol, to) => {
    const runKey = name.toLowerCase().replaceAll(' ', '-');
    const { stdout } = await run(scene.peers.python, [PIPELINE, protocol, ...to(), runKey, String(ITEMS)]);
    const done = JSON.parse(stdout);
    expect(done).toMatchObject({ items: ITEMS, calls: ITEMS, errors: ITEMS / 10 });
    const query = `select r.status, r.complete, s.count_total, s.count_error, v.calls, v.errors, v.tokens_input
      from enrichment_runs r join run_stage_stats s using (tenant_id, run_id) join run_vendor_usage v using (tenant_id, run_id)
      where r.run_key = $1 and s.stage = 'crawl' and v.vendor = 'openai'`;
    const expected = {
      status: 'succeeded',
      complete: true,
      count_total: String(done.items),
      count_error: String(done.errors),
      calls: String(done.calls),
      errors: '0',
      tokens_input: String(done.tokens_input),
    };
    await expect.poll(() => onLedger(scene, query, [runKey]), { timeout: MINUTE_MS }).toEqual([expected]);
    figures[`Python over ${name}`] = `${2 + done.items + done.calls} spans, 0 differences`;
  },
  2 * MINUTE_MS,
);

test(
  'the doctor follows its test span through the Collector to its row and its trace',
  async () => {
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, ...scene.environment };
    const args = ['--import', 'tsx', CLI, 'doctor', '--json', '--endpoint', scene.collector.httpUrl];
    const { stdout } = await run(process.execPath, args, { env });
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { check: string; state: string; says: string }[];
    };
    expect([ok, checks.filter(({ state }) => state !== 'ok')]).toEqual([true, []]);
    expect(checks.map(({ check }) => check)).toEqual(expect.arrayContaining(['endpoint', 'test span', 'Jaeger']));
    figures['the doctor through the Collector'] = `${checks.length} checks, all well`;
  },
  MINUTE_MS,
);

test(
  'runledger demo, told to send to the Collector, as the documentation says',
  async () => {
    const { PATH = '', HOME = '' } = process.env;
    const args = ['--endpoint', scene.collector.httpUrl, '--token', 'any', '--once', '--companies', '12', '--json'];
    const { stdout } = await run(process.execPath, ['--import', 'tsx', CLI, 'demo', ...args], { env: { PATH, HOME } });
    const { runs, spans } = JSON.parse(stdout) as {
      runs: { run_key: string }[];
      spans: { queued: number; exported: number };
    };
    expect(spans.exported).toBe(spans.queued);
    const keys = runs.map(({ run_key }) => run_key);
    const query = 'select complete from enrichment_runs where run_key = any($1)';
    await expect
      .poll(() => onLedger(scene, query, [keys]), { timeout: MINUTE_MS })
      .toEqual([{ complete: true }, { complete: true }]);
    figures['runledger demo through the Collector'] = `${spans.queued} spans sent, both runs complete`;
  },
  2 * MINUTE_MS,
);

test('figures', () => {
  writeFigures('Other senders', scene.peers, figures);
  expect(Object.keys(figures).length).toBe(WAYS.length + 2);
});
