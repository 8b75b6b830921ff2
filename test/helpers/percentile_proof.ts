/**
 * Percentiles of the ledger against sorting: stores events of known durations, has them derived, and compares every percentile of every run,
 * and trends over one run and over many, with what durations.ts says of the same numbers.
 */
import { pipeline } from 'node:stream/promises';
import type { Pool } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { rebuild } from '../../receiver/derive/rebuild.ts';
import { DISTRIBUTIONS, quantile, roundedPercentile, sorted } from './durations.ts';
import { createRandom, type Random } from './random_spans.ts';

/** Parts of a distribution's durations by run: very large and very small ones, the last a single event. */
const RUN_PARTS = [0.55, 0.25, 0.1, 0.06, 0.03, 0.009, 0.0009, 0.00009, 0];
const FRACTIONS = [0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1];
const SUBSETS = 12;
const ROWS_AT_ONCE = 20_000;
const DAY = '2026-03-01';

export interface DistributionResult {
  name: string;
  durations: number;
  runs: number;
  /** Values of p50, p95 and p99 in run_stage_stats and run_vendor_usage, and those that are another. */
  exactCompared: number;
  exactDifferent: string[];
  oneRun: TrendErrors;
  manyRuns: TrendErrors;
}

export interface TrendErrors {
  compared: number;
  /** Of quantiles of 1 ms and more: largest |trend - exact| / exact. */
  relativeMax: number;
  /** Of quantiles below 1 ms, in ms. */
  belowMsMax: number;
}

/** Durations by run, and in it by stage and class; a vendor's under `_run` and `vendor:NAME`. */
type Samples = Map<number, Map<string, number[]>>;

/**
 * Tenant 1 gets the first distribution, tenant 2 the second, ...; the last result is of trends over all of them merged.
 * @param durations of each distribution. @param pools on an empty migrated database
 */
export async function provePercentiles(
  { owner, superuser }: { owner: Pool; superuser: Pool },
  durations: number,
  onProgress: (line: string) => void = () => undefined,
): Promise<DistributionResult[]> {
  await owner.query('select runledger.ensure_partitions($1::date, $1::date)', [DAY]);
  const results: DistributionResult[] = [];
  const all: { tenantId: number; samples: Samples }[] = [];
  for (const [index, [name, draw]] of Object.entries(DISTRIBUTIONS).entries()) {
    const tenantId = index + 1;
    const random = createRandom(20_260_301 + index);
    const samples = await storeEvents(superuser, tenantId, random, draw, durations);
    onProgress(`${name}: ${durations} durations stored`);
    await rebuild(owner, { tenantId });
    const { failures } = await deriveDue(owner, { all: true });
    if (failures.length > 0) throw failures[0]?.error;
    onProgress(`${name}: derived`);
    results.push({
      name,
      durations,
      runs: samples.size,
      ...(await compareExact(owner, tenantId, samples)),
      oneRun: await compareTrends(
        owner,
        [...samples.keys()].map((run) => pick([{ tenantId, samples }], (id) => id === run)),
      ),
      manyRuns: await compareTrends(owner, subsets([{ tenantId, samples }], random)),
    });
    all.push({ tenantId, samples });
  }
  results.push({
    name: 'all five merged',
    durations: durations * all.length,
    runs: all.reduce((sum, { samples }) => sum + samples.size, 0),
    exactCompared: 0,
    exactDifferent: [],
    oneRun: { compared: 0, relativeMax: 0, belowMsMax: 0 },
    manyRuns: await compareTrends(owner, subsets(all, createRandom(7))),
  });
  return results;
}

/** As the superuser: COPY does not work under row-level security. */
async function storeEvents(
  superuser: Pool,
  tenantId: number,
  random: Random,
  draw: (random: Random) => number,
  durations: number,
): Promise<Samples> {
  const samples: Samples = new Map();
  const client = await superuser.connect();
  try {
    for (const [index, count] of runSizes(durations).entries()) {
      const own = new Map<string, number[]>();
      samples.set(index + 1, own);
      const lines = eventLines(tenantId, index + 1, random, draw, count, own);
      await pipeline(lines, client.query(copyFrom(COPY_EVENTS)));
    }
    await client.query(
      `insert into public.enrichment_runs (tenant_id, run_id, status, state, last_received_at)
       select $1, run_id, 'succeeded', 'succeeded', now() from unnest($2::bigint[]) as run_id`,
      [tenantId, [...samples.keys()]],
    );
    await client.query('analyze public.run_event_logs');
  } finally {
    client.release();
  }
  return samples;
}

function runSizes(durations: number): number[] {
  const others = RUN_PARTS.map((part) => Math.max(1, Math.floor(durations * part))).slice(1);
  return [durations - others.reduce((sum, size) => sum + size, 0), ...others];
}

const COPY_EVENTS = `copy public.run_event_logs (tenant_id, run_id, stage, kind, seq, ts, span_id, event, status, duration_ms, vendor,
  trace_id, calls, units_total, units_success) from stdin`;

const KINDS = [
  { until: 0.45, kind: 'item', stage: 'crawl', vendors: [] },
  { until: 0.55, kind: 'vendor_call', stage: 'crawl', vendors: ['openai', 'hunter'] },
  { until: 0.9, kind: 'vendor_call', stage: 'score', vendors: ['openai', 'hunter', 'clearbit'] },
  { until: 1, kind: 'stage', stage: 'export', vendors: [] },
] as const;

/** Lines for COPY; each duration is put among the samples that it counts for. Between them stand rows that must not count. */
function* eventLines(
  tenantId: number,
  runId: number,
  random: Random,
  draw: (random: Random) => number,
  count: number,
  own: Map<string, number[]>,
): Generator<string> {
  let rows: string[] = [];
  const add = (
    of: (typeof KINDS)[number],
    seq: number,
    status: string,
    durationMs: number | null,
    vendor: string | null,
  ) => {
    const ts = `${DAY} ${clock(rows.length)}+00`;
    const isCall = of.kind === 'vendor_call' ? 1 : 0;
    rows.push(
      [
        tenantId,
        runId,
        of.stage,
        of.kind,
        seq,
        ts,
        random.hex(16),
        seq === 0 ? 'start' : 'finish',
        status,
        durationMs ?? '\\N',
        vendor ?? '\\N',
        'a'.repeat(32),
        isCall,
        1 - isCall,
        status === 'ok' && isCall === 0 ? 1 : 0,
      ].join('\t'),
    );
  };
  for (let index = 0; index < count; index++) {
    const share = random.next();
    const of = KINDS.find(({ until }) => share < until) ?? KINDS[0];
    const vendor = of.vendors.length > 0 ? random.pick([...of.vendors]) : null;
    const durationMs = draw(random);
    add(of, 1, random.chance(0.9) ? 'ok' : 'error', durationMs, vendor);
    push(own, `${of.stage}\t${of.kind}`, durationMs);
    if (vendor !== null) push(own, `_run\tvendor:${vendor}`, durationMs);
    // What was skipped, what is tried again, what has no duration, and starts.
    if (random.chance(0.02)) add(of, 1, 'skip', draw(random), vendor);
    if (random.chance(0.02)) add(of, 2, 'retry', draw(random), vendor);
    if (random.chance(0.02)) add(of, 1, 'ok', null, vendor);
    if (random.chance(0.02)) add(of, 0, 'ok', draw(random), vendor);
    if (rows.length >= ROWS_AT_ONCE) {
      yield `${rows.join('\n')}\n`;
      rows = [];
    }
  }
  if (rows.length > 0) yield `${rows.join('\n')}\n`;
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 19);
}

function push(into: Map<string, number[]>, key: string, value: number): void {
  const list = into.get(key);
  if (list === undefined) into.set(key, [value]);
  else list.push(value);
}

/** p50, p95 and p99 as the tables have them. Of a stage those of its items if there are any, else of its calls, else its own. */
async function compareExact(owner: Pool, tenantId: number, samples: Samples) {
  const { rows } = await owner.query<{ run_id: number; key: string; n: number; p50: number; p95: number; p99: number }>(
    `select run_id, stage || E'\\t' || duration_class as key, duration_samples as n, p50_ms as p50, p95_ms as p95, p99_ms as p99
     from public.run_stage_stats where tenant_id = $1 and duration_class is not null
     union all
     select run_id, E'_run\\tvendor:' || vendor, duration_samples, p50_ms, p95_ms, p99_ms
     from public.run_vendor_usage where tenant_id = $1 and duration_samples > 0`,
    [tenantId],
  );
  const stored = new Map(rows.map((row) => [`${row.run_id}\t${row.key}`, row]));
  let exactCompared = 0;
  const exactDifferent: string[] = [];
  for (const [runId, own] of samples) {
    for (const [key, list] of own) {
      // A stage that has items shows theirs.
      if (key === 'crawl\tvendor_call' && own.has('crawl\titem')) continue;
      const values = sorted(list);
      const row = stored.get(`${runId}\t${key}`);
      stored.delete(`${runId}\t${key}`);
      const expected = [list.length, ...[50, 95, 99].map((percent) => roundedPercentile(values, percent))];
      const told = row === undefined ? [] : [row.n, row.p50, row.p95, row.p99].map(Number);
      exactCompared += 3;
      if (told.join() !== expected.join())
        exactDifferent.push(`run ${runId} ${key}: ${told.join(', ')} instead of ${expected.join(', ')}`);
    }
  }
  for (const key of stored.keys()) exactDifferent.push(`${key}: there is no such duration`);
  return { exactCompared, exactDifferent };
}

/** Durations of chosen runs by stage and class, and which runs those are. */
interface Choice {
  tenantIds: number[];
  runIds: number[];
  samples: Map<string, number[][]>;
}

function pick(all: { tenantId: number; samples: Samples }[], isChosen: (runId: number) => boolean): Choice {
  const choice: Choice = { tenantIds: [], runIds: [], samples: new Map() };
  for (const { tenantId, samples } of all) {
    for (const [runId, own] of samples) {
      if (!isChosen(runId)) continue;
      choice.tenantIds.push(tenantId);
      choice.runIds.push(runId);
      for (const [key, list] of own) choice.samples.set(key, [...(choice.samples.get(key) ?? []), list]);
    }
  }
  return choice;
}

/** All runs, and random sets of at least two. */
function subsets(all: { tenantId: number; samples: Samples }[], random: Random): Choice[] {
  const choices = [pick(all, () => true)];
  while (choices.length <= SUBSETS) {
    const choice = pick(all, () => random.chance(0.4));
    if (choice.runIds.length > 1) choices.push(choice);
  }
  return choices;
}

async function compareTrends(owner: Pool, choices: Choice[]): Promise<TrendErrors> {
  const errors: TrendErrors = { compared: 0, relativeMax: 0, belowMsMax: 0 };
  for (const choice of choices) {
    const { rows } = await owner.query<{ key: string; told: number[] }>(
      `select b.key, array_agg(runledger.trend_quantile(b.trends, f) order by f) as told
       from (
         select t.stage || E'\\t' || t.class as key, array_agg(t) as trends
         from runledger.trend_buckets t
         join unnest($1::int[], $2::bigint[]) as c (tenant_id, run_id) using (tenant_id, run_id)
         group by 1
       ) b cross join unnest($3::double precision[]) as f
       group by b.key`,
      [choice.tenantIds, choice.runIds, FRACTIONS],
    );
    const keys = [...choice.samples.keys()].sort();
    const told = rows.map(({ key }) => key).sort();
    if (keys.join() !== told.join()) throw new Error(`trends of ${told.join()} instead of ${keys.join()}`);
    for (const { key, told } of rows) {
      const values = sorted((choice.samples.get(key) ?? []).flat());
      for (const [index, fraction] of FRACTIONS.entries()) hold(errors, told[index], quantile(values, fraction));
    }
  }
  return errors;
}

function hold(errors: TrendErrors, told: number | undefined, exact: number): void {
  const error = Math.abs((told ?? Number.NaN) - exact);
  errors.compared++;
  // A comparison with NaN is false, and must not pass for a small one.
  if (exact >= 1) errors.relativeMax = error / exact <= errors.relativeMax ? errors.relativeMax : error / exact;
  else errors.belowMsMax = error <= errors.belowMsMax ? errors.belowMsMax : error;
}
