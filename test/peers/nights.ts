/** The demo played through the Collector, and what the ledger and Jaeger then have of it. */

import { type Comparison, compareWithLedger } from '../../demo/compare.ts';
import { type LedgerView, readLedger } from '../../demo/ledger.ts';
import { type Performance, type PlayedRun, perform, type StageManager } from '../../demo/perform.ts';
import { type JaegerTrace, readTrace } from './jaeger_api.ts';
import { until } from './program.ts';
import { onLedger, type Scene } from './scene.ts';

const silent: StageManager = {
  nightBegins: () => undefined,
  runBegins: () => ({ progress: () => undefined, ended: () => undefined }),
};

export function playNights(scene: Scene, nights: number, companies: number): Promise<Performance> {
  return perform({
    endpoint: scene.collector.httpUrl,
    // The Collector asks for no token; the ledger's own must not be needed here.
    token: 'not-the-token-of-the-ledger',
    nights,
    companies,
    signal: new AbortController().signal,
    stage: silent,
  });
}

export interface Arrived {
  view: LedgerView;
  comparison: Comparison;
  traces: JaegerTrace[];
  /** Rows of events over all runs. */
  rows: number;
}

/** Spans that Jaeger should have of a run: all but the signs of life. */
export function spansOf({ tally }: PlayedRun): number {
  return 1 + tally.stages.size + tally.items + tally.vendorCalls;
}

/** Waits until both have everything that was acknowledged, then reads. */
export async function untilArrived(scene: Scene, { runs }: Performance, limitMs = 120_000): Promise<Arrived> {
  const receiver = scene.receiver();
  if (receiver === null) throw new Error('the receiver is down');
  const read = () => readLedger(receiver.databaseUrl, runs, scene.jaeger.url);
  let view: LedgerView | null = null;
  await until('every run is complete in the ledger', limitMs, async () => {
    view = await read().catch(() => null);
    return view?.pages.every(({ run }) => run.complete === true) ?? false;
  });
  const traces: JaegerTrace[] = [];
  await until('Jaeger has every span', limitMs, async () => {
    traces.length = 0;
    for (const [index, played] of runs.entries()) {
      const traceId = view?.pages[index]?.run.trace_id ?? '';
      const trace = await readTrace(scene.jaeger.url, traceId);
      if (trace === null || new Set(trace.spans.map(({ spanID }) => spanID)).size < spansOf(played)) return false;
      traces.push(trace);
    }
    return true;
  });
  const last = await read();
  return { view: last, comparison: compareWithLedger(runs, last.pages), traces, rows: await countRows(scene, last) };
}

async function countRows(scene: Scene, { pages }: LedgerView): Promise<number> {
  const counted = await onLedger<{ rows: number }>(
    scene,
    `select count(*)::int as rows from run_event_logs e join unnest($1::int[], $2::bigint[]) as r(tenant_id, run_id) using (tenant_id, run_id)`,
    [pages.map(({ run }) => run.tenant_id), pages.map(({ run }) => run.run_id)],
  );
  return counted[0]?.rows ?? 0;
}
