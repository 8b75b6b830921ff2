/**
 * The demo through a real Collector into Runledger and a real Jaeger: the ledger has exactly what the demo counted, Jaeger has the same traces
 * without the signs of life, and the link that a run shows leads there.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Performance } from '../../demo/perform.ts';
import { writeFigures } from './figures.ts';
import { kindsOf, readTrace } from './jaeger_api.ts';
import { type Arrived, playNights, spansOf, untilArrived } from './nights.ts';
import { until } from './program.ts';
import { onLedger, openScene, type Scene } from './scene.ts';

const run = promisify(execFile);
const MINUTE_MS = 60_000;

let scene: Scene;
let played: Performance;
let arrived: Arrived;

beforeAll(async () => {
  scene = await openScene();
  played = await playNights(scene, 2, 40);
  arrived = await untilArrived(scene, played);
}, 5 * MINUTE_MS);

afterAll(() => scene?.close(), MINUTE_MS);

test("rows and counters are the demo's own count, and what was sent is stored", () => {
  expect(arrived.comparison.differences).toEqual([]);
  expect(arrived.comparison.values).toBeGreaterThan(400);
  expect(arrived.view.audit).toMatchObject({ difference: 0 });
  expect(played.sent).toMatchObject({ dropped: 0, pending: 0 });
  expect(played.sent.exported).toBe(played.sent.queued);
});

test('Jaeger has the spans of each run once, and no sign of life', () => {
  for (const [index, trace] of arrived.traces.entries()) {
    const one = played.runs[index];
    if (one === undefined) throw new Error('a trace of no run');
    expect(new Set(trace.spans.map(({ spanID }) => spanID)).size).toBe(trace.spans.length);
    expect(kindsOf(trace)).toEqual({
      run: 1,
      stage: one.tally.stages.size,
      item: one.tally.items,
      vendor_call: one.tally.vendorCalls,
    });
  }
});

test('the ledger did get the signs of life that Jaeger did not', () => {
  const inJaeger = played.runs.reduce((sum, one) => sum + spansOf(one), 0);
  const markers = played.runs.reduce((sum, { tally }) => sum + 1 + tally.stages.size, 0);
  expect(played.sent.queued).toBe(inJaeger + markers);
});

test('the link of a run opens its trace', async () => {
  for (const { run: row, links } of arrived.view.pages) {
    const link = links.jaeger ?? '';
    expect(link).toBe(`${scene.jaeger.url}/trace/${row.trace_id}`);
    const page = await fetch(link);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const traceId = link.split('/').at(-1) ?? '';
    const trace = await readTrace(scene.jaeger.url, traceId);
    expect(trace?.spans.find(({ references }) => references.length === 0)?.operationName).toBe(row.pipeline);
  }
});

test(
  "Jaeger's traces outlive a kill of Jaeger",
  async () => {
    await scene.jaeger.kill();
    await scene.jaeger.start();
    for (const [index, { run: row }] of arrived.view.pages.entries()) {
      const trace = await readTrace(scene.jaeger.url, row.trace_id ?? '');
      expect(trace?.spans.length).toBe(arrived.traces[index]?.spans.length);
    }
  },
  MINUTE_MS,
);

test.each([
  ['gRPC', []],
  ['HTTP', ['--otlp-http']],
])(
  'telemetrygen over %s: each trace is in Jaeger, and its root is a run span in the ledger',
  async (_, flags) => {
    const service = `generated-${flags.length}`;
    const target = flags.length === 0 ? scene.collector.grpcTarget : new URL(scene.collector.httpUrl).host;
    await run(scene.peers.telemetrygen, [
      ...[
        'traces',
        '--otlp-insecure',
        '--otlp-endpoint',
        target,
        '--traces',
        '20',
        '--child-spans',
        '2',
        '--rate',
        '0',
      ],
      ...['--workers', '1', '--service', service, '--otlp-attributes', 'tenant.id="7"'],
      ...['--telemetry-attributes', `run.id="${service}"`, ...flags],
    ]);
    await until('Jaeger has what was generated', MINUTE_MS, async () => {
      const response = await fetch(`${scene.jaeger.url}/api/traces?service=${service}&limit=100`);
      const { data } = (await response.json()) as { data: { spans: unknown[] }[] };
      return data.length === 20 && data.every(({ spans }) => spans.length === 3);
    });
    const rows = `select event, count(*)::int as rows from run_event_logs e join enrichment_runs r using (tenant_id, run_id)
      where r.run_key = $1 group by event order by event`;
    await expect
      .poll(() => onLedger(scene, rows, [service]), { timeout: MINUTE_MS })
      .toEqual([
        { event: 'finish', rows: 20 },
        { event: 'start', rows: 20 },
      ]);
  },
  2 * MINUTE_MS,
);

test(
  'thousands of spans a second reach both, without a batch that fails or waits for ever',
  async () => {
    const accepted = () => sumOf('otelcol_receiver_accepted_spans');
    const sentTo = (exporter: string) => sumOf('otelcol_exporter_sent_spans', exporter);
    const before = [await accepted(), await sentTo('otlp_grpc/jaeger'), await sentTo('otlp_http/runledger')] as const;
    await run(scene.peers.telemetrygen, [
      ...[
        'traces',
        '--otlp-insecure',
        '--otlp-endpoint',
        scene.collector.grpcTarget,
        '--duration',
        '10s',
        '--rate',
        '500',
      ],
      ...['--child-spans', '4', '--workers', '4', '--service', 'many', '--otlp-attributes', 'tenant.id="7"'],
    ]);
    const many = (await accepted()) - before[0];
    expect(many).toBeGreaterThan(5_000);
    await until('Runledger and Jaeger have taken all of them', 2 * MINUTE_MS, async () => {
      const inJaeger = (await sentTo('otlp_grpc/jaeger')) - before[1];
      return inJaeger === many && (await sentTo('otlp_http/runledger')) - before[2] === many;
    });
    expect(await sumOf('otelcol_exporter_send_failed_spans')).toBe(0);
    expect(await sumOf('otelcol_receiver_refused_spans')).toBe(0);
  },
  4 * MINUTE_MS,
);

test('the Collector tells of itself', async () => {
  const metrics = await (await fetch(scene.collector.metricsUrl)).text();
  for (const name of [
    'otelcol_exporter_queue_size',
    'otelcol_exporter_sent_spans',
    'otelcol_receiver_accepted_spans',
  ]) {
    expect(metrics).toContain(name);
  }
  expect(metrics).toMatch(/otelcol_exporter_queue_size\{[^}]*otlp_http\/runledger/);
});

test('figures', async () => {
  const version = await onLedger<{ server_version: string }>(scene, 'show server_version');
  const spansInJaeger = arrived.traces.reduce((sum, { spans }) => sum + spans.length, 0);
  const signsOfLife = arrived.traces
    .map(kindsOf)
    .reduce((sum, kinds) => sum + (kinds.start ?? 0) + (kinds.heartbeat ?? 0), 0);
  writeFigures('The demo through the Collector', scene.peers, {
    PostgreSQL: version[0]?.server_version ?? '',
    'runs; spans sent, acknowledged': `${played.runs.length}; ${played.sent.queued}, ${played.sent.exported}`,
    'event rows in PostgreSQL': arrived.rows,
    'values compared with the own count of the demo, differences': `${arrived.comparison.values}, ${arrived.comparison.differences.length}`,
    'audit difference': arrived.view.audit.difference,
    'traces in Jaeger, spans in them': `${arrived.traces.length}, ${spansInJaeger}`,
    'signs of life sent, in Jaeger': `${played.sent.queued - spansInJaeger}, ${signsOfLife}`,
  });
  expect(arrived.rows).toBeGreaterThan(spansInJaeger);
});

/** One of the Collector's own counters, over all its labels or those of one exporter. */
async function sumOf(name: string, exporter = ''): Promise<number> {
  const metrics = await (await fetch(scene.collector.metricsUrl)).text();
  return metrics
    .split('\n')
    .filter((found) => found.startsWith(name) && found.includes(exporter))
    .reduce((sum, found) => sum + Number(found.split(' ').at(-1)), 0);
}
