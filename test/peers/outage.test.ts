/**
 * Outages in the field: Runledger away for a while, the Collector killed again and again in between, Jaeger away. Whatever the Collector had
 * acknowledged is there afterwards, in both, and counted once.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Performance } from '../../demo/perform.ts';
import { writeFigures } from './figures.ts';
import { readTrace } from './jaeger_api.ts';
import { type Arrived, playNights, spansOf, untilArrived } from './nights.ts';
import { until } from './program.ts';
import { onLedger, openScene, type Scene } from './scene.ts';

const MINUTE_MS = 60_000;
/** How long Runledger is away; the kept figures are of a longer time than everybody's test takes. */
const OUTAGE_MS = Number(process.env.RUNLEDGER_PEERS_OUTAGE_S ?? '45') * 1000;
const KILLS = 5;
/** Little enough to be filled by a test, and more than any night here sends. */
const JAEGER_QUEUE_SPANS = 4_000;
const RUNS_EACH = 200;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ environment: { JAEGER_QUEUE_SPANS: String(JAEGER_QUEUE_SPANS) } });
}, 2 * MINUTE_MS);

afterAll(() => scene?.close(), 2 * MINUTE_MS);

function expectExact(played: Performance, { comparison, view, traces }: Arrived): void {
  expect(comparison.differences).toEqual([]);
  expect(view.audit.difference).toBe(0);
  expect(played.sent).toMatchObject({ dropped: 0, pending: 0, exported: played.sent.queued });
  expect(traces.map(({ spans }) => spans.length)).toEqual(played.runs.map(spansOf));
}

test(
  'the Collector killed -9 and started again and again while Runledger is away: nothing lost, nothing counted twice',
  async () => {
    const begun = playNights(scene, 3, 40);
    await until('the ledger has begun to fill', MINUTE_MS, async () => {
      const [first] = await onLedger<{ rows: number }>(scene, 'select count(*)::int as rows from run_event_logs');
      return (first?.rows ?? 0) > 0;
    });
    await scene.stopReceiver();
    const downSince = performance.now();
    for (let kill = 1; kill < KILLS; kill++) {
      await sleep(1_500);
      await scene.collector.kill();
      await sleep(500);
      await scene.collector.start();
    }
    const played = await begun;
    await sleep(Math.max(0, OUTAGE_MS - (performance.now() - downSince)));
    // Once more, with all of it in the queue.
    await scene.collector.kill();
    await scene.collector.start();
    await scene.startReceiver();
    const outageMs = performance.now() - downSince;
    const arrived = await untilArrived(scene, played);
    const caughtUpMs = performance.now() - downSince - outageMs;
    expectExact(played, arrived);
    const expected = played.runs.reduce((sum, one) => sum + spansOf(one), 0);
    const ids = new Set(arrived.traces.flatMap(({ spans }) => spans.map(({ traceID, spanID }) => traceID + spanID)));
    const spansInJaeger = arrived.traces.reduce((sum, { spans }) => sum + spans.length, 0);
    writeFigures('Runledger away, the Collector killed in between', scene.peers, {
      'seconds without Runledger': Math.round(outageMs / 1000),
      'kill -9 of the Collector meanwhile': KILLS,
      'spans sent, acknowledged by the Collector': `${played.sent.queued}, ${played.sent.exported}`,
      'seconds until the ledger had all': Math.round(caughtUpMs / 1000),
      'event rows in PostgreSQL': arrived.rows,
      'values compared, differences': `${arrived.comparison.values}, ${arrived.comparison.differences.length}`,
      'audit difference': arrived.view.audit.difference,
      'spans in Jaeger, missing, there twice': `${spansInJaeger}, ${expected - ids.size}, ${spansInJaeger - ids.size}`,
    });
  },
  6 * MINUTE_MS + OUTAGE_MS,
);

test(
  'Runledger away: Jaeger has the traces meanwhile, and the ledger has all of it afterwards',
  async () => {
    await scene.stopReceiver();
    const before = await countTraces();
    const played = await playNights(scene, 1, 20);
    await until('Jaeger has both traces', MINUTE_MS, async () => (await countTraces()) === before + 2);
    expect(scene.receiver()).toBeNull();
    await scene.startReceiver();
    expectExact(played, await untilArrived(scene, played));
  },
  4 * MINUTE_MS,
);

test(
  'Jaeger away: the ledger has everything meanwhile, and Jaeger afterwards',
  async () => {
    await scene.jaeger.kill();
    const played = await playNights(scene, 1, 20);
    const keys = played.runs.map(({ tally }) => tally.runKey);
    await expect
      .poll(() => onLedger(scene, 'select complete from enrichment_runs where run_key = any($1)', [keys]), {
        timeout: MINUTE_MS,
      })
      .toEqual([{ complete: true }, { complete: true }]);
    await scene.jaeger.start();
    expectExact(played, await untilArrived(scene, played));
  },
  4 * MINUTE_MS,
);

test(
  'Jaeger away until its queue is full: senders are told to try again, the ledger has all of it, and sent again it counts once',
  async () => {
    await scene.jaeger.kill();
    const requests = Array.from({ length: 30 }, (_, index) => manyRuns(index));
    const statuses: number[] = [];
    for (const body of requests) statuses.push(await post(body));
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    await expect.poll(countFull, { timeout: MINUTE_MS }).toEqual([{ runs: 6000, rows: 12000 }]);
    await scene.jaeger.start();
    for (const [index, body] of requests.entries()) {
      if (statuses[index] === 200) continue;
      await until('the Collector takes it', 2 * MINUTE_MS, async () => (await post(body)) === 200);
    }
    // The first and the last of each request; Jaeger's search does not answer with thousands of traces.
    const ends = requests.flatMap((_, request) => [
      traceIdOf(request * RUNS_EACH),
      traceIdOf((request + 1) * RUNS_EACH - 1),
    ]);
    for (const traceId of ends) {
      await until(`Jaeger has trace ${traceId}`, 2 * MINUTE_MS, async () => {
        return (await readTrace(scene.jaeger.url, traceId))?.spans.length === 1;
      });
    }
    await until('the queue for Runledger is empty', MINUTE_MS, async () =>
      /^otelcol_exporter_queue_size\{[^}]*data_type="traces"[^}]*otlp_http\/runledger[^}]*\} 0$/m.test(
        await (await fetch(scene.collector.metricsUrl)).text(),
      ),
    );
    expect(await countFull()).toEqual([{ runs: 6000, rows: 12000 }]);
  },
  8 * MINUTE_MS,
);

const countFull = () =>
  onLedger(
    scene,
    `select count(distinct run_id)::int as runs, count(*)::int as rows
     from run_event_logs join enrichment_runs using (tenant_id, run_id) where pipeline = 'full'`,
  );

async function post(body: string): Promise<number> {
  const url = `${scene.collector.httpUrl}/v1/traces`;
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  await response.arrayBuffer();
  return response.status;
}

const traceIdOf = (index: number) => `f${(index + 1).toString(16).padStart(31, '0')}`;

/** Runs of one span each, in one request. */
function manyRuns(request: number): string {
  const endMs = Date.now();
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const spans = Array.from({ length: RUNS_EACH }, (_, index) => ({
    traceId: traceIdOf(request * RUNS_EACH + index),
    spanId: (request * RUNS_EACH + index + 1).toString(16).padStart(16, '0'),
    name: 'full',
    kind: 1,
    startTimeUnixNano: `${endMs - 1000}000000`,
    endTimeUnixNano: `${endMs}000000`,
    attributes: [
      text('runledger.kind', 'run'),
      text('runledger.tenant.id', '7'),
      text('runledger.run.id', `full-${request}-${index}`),
      text('runledger.pipeline', 'full'),
    ],
  }));
  const resource = { attributes: [text('service.name', 'full')] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
}

async function countTraces(): Promise<number> {
  const response = await fetch(`${scene.jaeger.url}/api/traces?service=enrichment&limit=1000&lookback=30d&start=0`);
  const { data } = (await response.json()) as { data: unknown[] | null };
  return data?.length ?? 0;
}
