/**
 * What the SDK costs per span over bare OpenTelemetry. Both sides run in one process, alternating, with the same number of attributes on
 * the wire and nothing exported, so that only the helpers, the span processor and the sampler differ. Run: `npx tsx bench/sdk.ts`.
 */

import { context, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { tracing } from '@opentelemetry/sdk-node';
import {
  beginItem,
  bumpVendor,
  item,
  run,
  runledgerSampler,
  runledgerSpanProcessor,
  vendorCall,
} from '../sdk/index.ts';
import { makeContextManager } from '../sdk/packages.ts';

const SPANS = 50_000;
const ROUNDS = 9;
const BAR_US = 3;

type Work = (spans: number) => Promise<void>;

/** Counts ended spans, so that no side can win by making none. */
class CountingProcessor implements tracing.SpanProcessor {
  ended = 0;
  attributes = 0;
  onStart(): void {}
  onEnd(span: tracing.ReadableSpan): void {
    this.ended++;
    this.attributes += Object.keys(span.attributes).length;
  }
  forceFlush(): Promise<void> {
    return Promise.resolve();
  }
  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function makeTracer(processors: tracing.SpanProcessor[], sampler?: tracing.Sampler): Tracer {
  const provider = new tracing.BasicTracerProvider({ spanProcessors: processors, ...(sampler ? { sampler } : {}) });
  return provider.getTracer('runledger');
}

context.setGlobalContextManager(makeContextManager());
const bareCount = new CountingProcessor();
const ourCount = new CountingProcessor();
const bare = makeTracer([bareCount]);
const ours = new tracing.BasicTracerProvider({
  sampler: runledgerSampler(),
  spanProcessors: [runledgerSpanProcessor(), ourCount],
});
trace.setGlobalTracerProvider(ours);

const foreign = trace.getTracer('http');

const ITEM = { 'app.kind': 'item', 'app.tenant': 7, 'app.run': 'nightly-1', 'app.item': 1, 'app.stage': 'crawl' };
const CALL = { ...ITEM, 'app.vendor': 'tavily' };

const parent = bare.startSpan('stage');
const parentContext = trace.setSpan(context.active(), parent);
const inBare = (work: () => Promise<void>) => context.with(parentContext, work);
const inOurs = (work: () => Promise<void>) =>
  run({ tenant: 7, pipeline: 'bench', id: 'bench' }, (it) => it.stage('crawl', work));

const cases: { name: string; bare: Work; ours: Work }[] = [
  {
    name: 'item, callback, synchronous work',
    bare: repeat(inBare, () => bare.startActiveSpan('item', { attributes: ITEM }, (span) => span.end())),
    ours: repeat(inOurs, () => item(1, () => undefined)),
  },
  {
    name: 'item, callback, asynchronous work',
    bare: repeatAsync(inBare, () =>
      bare.startActiveSpan('item', { attributes: ITEM }, async (span) => {
        await null;
        span.end();
      }),
    ),
    ours: repeatAsync(inOurs, () =>
      item(1, async () => {
        await null;
      }),
    ),
  },
  {
    name: 'item, manual form',
    bare: repeat(inBare, () => bare.startSpan('item', { attributes: ITEM }).end()),
    ours: repeat(inOurs, () => beginItem(1).end()),
  },
  {
    name: 'vendor call with usage in an item',
    bare: repeatAsync(
      inBare,
      () =>
        bare.startActiveSpan('item', { attributes: ITEM }, (span) => {
          bare.startActiveSpan('call', { attributes: CALL, kind: SpanKind.CLIENT }, (call) => {
            call.setAttribute('app.tokens_input', 5);
            call.end();
          });
          span.end();
          return Promise.resolve();
        }),
      2,
    ),
    ours: repeatAsync(
      inOurs,
      () => {
        item(1, () => vendorCall('tavily', (call) => call.usage({ tokensInput: 5 })));
        return Promise.resolve();
      },
      2,
    ),
  },
  {
    name: 'bumpVendor',
    bare: repeat(inBare, () => {
      const span = bare.startSpan('call', { attributes: CALL, kind: SpanKind.CLIENT });
      span.setAttribute('app.calls', 5);
      span.end();
    }),
    ours: repeat(inOurs, () => bumpVendor('tavily', { calls: 5 })),
  },
  {
    name: "another library's span inside a run",
    bare: repeat(inBare, () => {
      const span = bare.startSpan('GET', { attributes: { 'app.a': 1, 'app.b': 2 } });
      span.setAttribute('app.tenant', 7);
      span.setAttribute('app.run', 'nightly-1');
      span.setAttribute('app.stage', 'crawl');
      span.end();
    }),
    ours: repeat(inOurs, () => {
      foreign.startSpan('GET', { attributes: { 'app.a': 1, 'app.b': 2 } }).end();
    }),
  },
];

function repeat(inside: (work: () => Promise<void>) => Promise<void>, one: () => void, spansEach = 1): Work {
  return (spans) =>
    inside(() => {
      for (let index = 0; index < spans; index += spansEach) one();
      return Promise.resolve();
    });
}

function repeatAsync(
  inside: (work: () => Promise<void>) => Promise<void>,
  one: () => Promise<void>,
  spansEach = 1,
): Work {
  return (spans) =>
    inside(async () => {
      for (let index = 0; index < spans; index += spansEach) await one();
    });
}

async function microsecondsPerSpan(work: Work): Promise<number> {
  const start = process.hrtime.bigint();
  await work(SPANS);
  return Number(process.hrtime.bigint() - start) / 1_000 / SPANS;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Rounds alternate, so that a busy moment of the machine hits both sides. The median of differences is what is judged. */
async function measure(name: string, bareWork: Work, ourWork: Work): Promise<boolean> {
  await microsecondsPerSpan(bareWork);
  await microsecondsPerSpan(ourWork);
  const bareUs: number[] = [];
  const ourUs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bareUs.push(await microsecondsPerSpan(bareWork));
    ourUs.push(await microsecondsPerSpan(ourWork));
  }
  const over = median(ourUs.map((value, index) => value - (bareUs[index] ?? Number.NaN)));
  const [low, high] = [median(bareUs), median(ourUs)];
  const verdict = over < BAR_US ? 'ok' : `OVER ${BAR_US} us`;
  process.stdout.write(
    `${name.padEnd(40)} bare ${low.toFixed(2)} us  ours ${high.toFixed(2)} us  over ${over.toFixed(2)} us  x${(high / low).toFixed(2)}  ${verdict}\n`,
  );
  return over < BAR_US;
}

let good = true;
for (const { name, bare: bareWork, ours: ourWork } of cases) good = (await measure(name, bareWork, ourWork)) && good;
process.stdout.write(
  `spans: bare ${bareCount.ended} with ${(bareCount.attributes / bareCount.ended).toFixed(1)} attributes, ` +
    `ours ${ourCount.ended} with ${(ourCount.attributes / ourCount.ended).toFixed(1)}\n`,
);
process.exitCode = good ? 0 : 1;
