/**
 * What a set of stored rows adds to the counters and registers. The views runledger.recounted_* say the same in SQL; audit compares the two.
 */

import { type EventRow, type Heartbeat, RUN_STAGE, type RunFacts, SEQ_MAIN } from '../map/row.ts';
import { DecimalSum } from './decimal.ts';
import { timestampText } from './timestamp.ts';

const NEVER = '-infinity';
const EVER = 'infinity';
/** Of two signals at one time the larger rank decides. */
const STATE_RANK = { running: 0, succeeded: 1, cancelled: 2, failed: 3 } as const;

interface RunSum {
  tenantId: number;
  runId: number;
  runKey: string | null;
  changes: number;
  firstUs: number;
  lastUs: number;
  state: RunFacts | null;
  identity: RunFacts | null;
  startedUs: number;
  sent: { statements: number; stages: number; items: number; vendorCalls: number; dropped: number };
  stored: { stages: number; items: number; vendorCalls: number };
}

interface StageSum {
  row: EventRow;
  total: number;
  success: number;
  error: number;
  cost: DecimalSum;
  tokensInput: number;
  tokensOutput: number;
  durationMs: number;
  retries: number;
  fallbacks: number;
  startedUs: number;
  endedUs: number;
  state: EventRow | null;
}

interface VendorSum {
  row: EventRow;
  calls: number;
  errors: number;
  cost: DecimalSum;
  rateLimitHits: number;
  quotaExhausted: boolean;
  tokensInput: number;
  tokensOutput: number;
  unpricedCalls: number;
  unpricedTokens: number;
}

interface MetricSum {
  row: EventRow;
  name: string;
  set: { value: string; row: EventRow } | null;
  added: DecimalSum | null;
}

/** Parameters of the upserts, each a list of records in the order of its table's key. */
export interface Sums {
  runs: object[];
  stages: object[];
  vendors: object[];
  metrics: object[];
  /** For dirty_runs: how many rows each run gained and whether its end is among them. */
  changes: { tenantId: number; runId: number; changes: number; ended: boolean }[];
}

export function sumRows(
  rows: readonly EventRow[],
  heartbeats: readonly (Heartbeat & { runId: number })[],
  runKeyOf: (tenantId: number, runId: number) => string | null,
): Sums {
  const runs = new Map<string, RunSum>();
  const stages = new Map<string, StageSum>();
  const vendors = new Map<string, VendorSum>();
  const metrics = new Map<string, MetricSum>();

  // Rows come sorted by run, so the run's sum is looked up once per run and not once per row.
  let run: RunSum | null = null;
  let runText = '';
  for (const row of rows) {
    if (run === null || run.runId !== row.runId || run.tenantId !== row.tenantId) {
      runText = `${row.tenantId}:${row.runId}`;
      run = runSum(runs, row.tenantId, row.runId, runKeyOf);
    }
    addToRun(run, row);
    if (countsInStage(row))
      addToStage(
        entry(stages, `${runText}:${row.stage}`, () => newStage(row)),
        row,
      );
    if (row.kind === 'vendor_call')
      addToVendor(
        entry(vendors, `${runText}:${row.vendor}`, () => newVendor(row)),
        row,
      );
    if (row.metrics !== null) addMetrics(metrics, runText, row);
  }
  for (const beat of heartbeats) {
    const beating = runSum(runs, beat.tenantId, beat.runId, runKeyOf);
    beating.lastUs = Math.max(beating.lastUs, beat.tsUs);
  }

  return {
    runs: [...runs.values()].map(runRecord),
    stages: [...stages.values()].map(stageRecord),
    vendors: [...vendors.values()].map(vendorRecord),
    metrics: [...metrics.values()].map(metricRecord),
    changes: [...runs.values()]
      .filter((sum) => sum.changes > 0)
      .map(({ tenantId, runId, changes, state }) => ({
        tenantId,
        runId,
        changes,
        ended: state !== null && state.status !== 'running',
      })),
  };
}

/** Rows of the run itself, log records and other events belong to a stage by name only. */
export function countsInStage(row: EventRow): boolean {
  switch (row.kind) {
    case 'stage':
    case 'item':
    case 'vendor_call':
      return true;
    case 'event':
      return (row.event === 'retry' || row.event === 'fallback') && row.stage !== RUN_STAGE;
    default:
      return false;
  }
}

// Run ------------------------------------------------------------------------------------------------------------------------

function runSum(
  runs: Map<string, RunSum>,
  tenantId: number,
  runId: number,
  runKeyOf: (tenantId: number, runId: number) => string | null,
): RunSum {
  return entry(runs, `${tenantId}:${runId}`, () => ({
    tenantId,
    runId,
    runKey: runKeyOf(tenantId, runId),
    changes: 0,
    firstUs: Number.POSITIVE_INFINITY,
    lastUs: 0,
    state: null,
    identity: null,
    startedUs: Number.POSITIVE_INFINITY,
    sent: { statements: 0, stages: 0, items: 0, vendorCalls: 0, dropped: 0 },
    stored: { stages: 0, items: 0, vendorCalls: 0 },
  }));
}

function addToRun(run: RunSum, row: EventRow): void {
  run.changes++;
  if (row.tsUs < run.firstUs) run.firstUs = row.tsUs;
  if (row.tsUs > run.lastUs) run.lastUs = row.tsUs;
  if (row.seq === SEQ_MAIN) {
    if (row.kind === 'stage') run.stored.stages++;
    else if (row.kind === 'item') run.stored.items++;
    else if (row.kind === 'vendor_call') run.stored.vendorCalls++;
  }
  if (row.facts !== null) addFacts(run, row.facts);
  const sent = row.metrics?.sent;
  if (sent !== undefined) {
    run.sent.statements++;
    run.sent.stages += sent.stages;
    run.sent.items += sent.items;
    run.sent.vendorCalls += sent.vendor_calls;
    run.sent.dropped += sent.dropped;
  }
}

function addFacts(run: RunSum, facts: RunFacts): void {
  run.startedUs = Math.min(run.startedUs, facts.startedUs);
  if (run.state === null || compareStates(facts, run.state) > 0) run.state = facts;
  if (run.identity === null || compareIdentities(facts, run.identity) < 0) run.identity = facts;
}

function compareStates(a: RunFacts, b: RunFacts): number {
  return a.atUs - b.atUs || STATE_RANK[a.status] - STATE_RANK[b.status] || compareText(a.spanId, b.spanId);
}

/** A run span sends the same identity with its start row and its finish row; only the finish row knows the LangSmith link. */
function compareIdentities(a: RunFacts, b: RunFacts): number {
  return a.startedUs - b.startedUs || compareText(a.spanId, b.spanId) || identityRank(a) - identityRank(b);
}

function identityRank(facts: RunFacts): number {
  return facts.status === 'running' ? 1 : 0;
}

function runRecord(run: RunSum): object {
  const { state, identity } = run;
  return {
    tenant_id: run.tenantId,
    run_id: run.runId,
    run_key: run.runKey,
    state: state?.status ?? 'running',
    state_at: state === null ? NEVER : timestampText(state.atUs),
    state_rank: state === null ? -1 : STATE_RANK[state.status],
    state_span_id: state?.spanId ?? '',
    state_degraded: state?.degraded ?? false,
    identity_at: identity === null ? EVER : timestampText(identity.startedUs),
    identity_span_id: identity?.spanId ?? '~',
    identity_rank: identity === null ? 2 : identityRank(identity),
    run_started_at: Number.isFinite(run.startedUs) ? timestampText(run.startedUs) : null,
    langsmith_trace_url: identity?.langsmithUrl ?? null,
    pipeline: identity?.pipeline ?? null,
    environment: identity?.environment ?? null,
    pipeline_version: identity?.pipelineVersion ?? null,
    trace_id: identity?.traceId ?? null,
    resource: identity?.resource == null ? null : JSON.parse(identity.resource),
    first_event_at: Number.isFinite(run.firstUs) ? timestampText(run.firstUs) : null,
    last_event_at: run.lastUs > 0 ? timestampText(run.lastUs) : null,
    sent_statements: run.sent.statements,
    sent_stages: run.sent.stages,
    sent_items: run.sent.items,
    sent_vendor_calls: run.sent.vendorCalls,
    sent_dropped: run.sent.dropped,
    stored_stages: run.stored.stages,
    stored_items: run.stored.items,
    stored_vendor_calls: run.stored.vendorCalls,
  };
}

// Stage ----------------------------------------------------------------------------------------------------------------------

function newStage(row: EventRow): StageSum {
  return {
    row,
    total: 0,
    success: 0,
    error: 0,
    cost: new DecimalSum(),
    tokensInput: 0,
    tokensOutput: 0,
    durationMs: 0,
    retries: 0,
    fallbacks: 0,
    startedUs: Number.POSITIVE_INFINITY,
    endedUs: 0,
    state: null,
  };
}

function addToStage(stage: StageSum, row: EventRow): void {
  stage.total += row.unitsTotal;
  stage.success += row.unitsSuccess;
  stage.error += row.unitsError;
  if (row.costUsd !== null) stage.cost.add(row.costUsd);
  stage.tokensInput += row.tokensInput;
  stage.tokensOutput += row.tokensOutput;
  if (row.kind === 'event') {
    if (row.event === 'retry') stage.retries++;
    else stage.fallbacks++;
  } else if (row.kind === 'stage') {
    if (row.seq === SEQ_MAIN) {
      stage.durationMs += row.durationMs ?? 0;
      stage.endedUs = Math.max(stage.endedUs, row.tsUs);
    } else stage.startedUs = Math.min(stage.startedUs, row.tsUs);
    if (stage.state === null || compareStageStates(row, stage.state) > 0) stage.state = row;
  }
}

/** The stage span that ends last decides; a start after the last end says that it runs again. seq is 0 for a start, 1 for an end. */
function compareStageStates(a: EventRow, b: EventRow): number {
  return a.tsUs - b.tsUs || a.seq - b.seq || compareText(a.spanId, b.spanId);
}

function stageRecord(stage: StageSum): object {
  const { row, state } = stage;
  return {
    run_id: row.runId,
    tenant_id: row.tenantId,
    stage: row.stage,
    count_total: stage.total,
    count_success: stage.success,
    count_error: stage.error,
    cost_usd: stage.cost.toString(),
    tokens_input: stage.tokensInput,
    tokens_output: stage.tokensOutput,
    duration_ms: stage.durationMs,
    retry_count: stage.retries,
    fallback_count: stage.fallbacks,
    started_at: Number.isFinite(stage.startedUs) ? timestampText(stage.startedUs) : null,
    ended_at: stage.endedUs > 0 ? timestampText(stage.endedUs) : null,
    status: state === null ? null : state.seq === SEQ_MAIN ? state.status : 'running',
    state_at: state === null ? NEVER : timestampText(state.tsUs),
    state_is_end: state === null ? -1 : state.seq,
    state_span_id: state?.spanId ?? '',
  };
}

// Vendor and metrics ---------------------------------------------------------------------------------------------------------

function newVendor(row: EventRow): VendorSum {
  return {
    row,
    calls: 0,
    errors: 0,
    cost: new DecimalSum(),
    rateLimitHits: 0,
    quotaExhausted: false,
    tokensInput: 0,
    tokensOutput: 0,
    unpricedCalls: 0,
    unpricedTokens: 0,
  };
}

function addToVendor(vendor: VendorSum, row: EventRow): void {
  vendor.calls += row.calls;
  vendor.errors += row.errors;
  vendor.rateLimitHits += row.rateLimitHits;
  vendor.quotaExhausted ||= row.quotaExhausted;
  vendor.tokensInput += row.tokensInput;
  vendor.tokensOutput += row.tokensOutput;
  if (row.costUsd !== null) vendor.cost.add(row.costUsd);
  else {
    vendor.unpricedCalls += row.calls;
    vendor.unpricedTokens += row.tokensInput + row.tokensOutput;
  }
}

function vendorRecord(vendor: VendorSum): object {
  return {
    run_id: vendor.row.runId,
    tenant_id: vendor.row.tenantId,
    vendor: vendor.row.vendor,
    calls: vendor.calls,
    errors: vendor.errors,
    cost_usd: vendor.cost.toString(),
    rate_limit_hits: vendor.rateLimitHits,
    quota_exhausted: vendor.quotaExhausted,
    tokens_input: vendor.tokensInput,
    tokens_output: vendor.tokensOutput,
    unpriced_calls: vendor.unpricedCalls,
    unpriced_tokens: vendor.unpricedTokens,
  };
}

function addMetrics(metrics: Map<string, MetricSum>, runText: string, row: EventRow): void {
  const of = (name: string) => entry(metrics, `${runText}:${name}`, () => ({ row, name, set: null, added: null }));
  for (const [name, value] of Object.entries(row.metrics?.set ?? {})) {
    const metric = of(name);
    if (metric.set === null || compareSets({ value, row }, metric.set) > 0) metric.set = { value, row };
  }
  for (const [name, value] of Object.entries(row.metrics?.add ?? {})) {
    const metric = of(name);
    metric.added ??= new DecimalSum();
    metric.added.add(value);
  }
}

function compareSets(a: NonNullable<MetricSum['set']>, b: NonNullable<MetricSum['set']>): number {
  return a.row.tsUs - b.row.tsUs || compareText(a.row.spanId, b.row.spanId) || Number(a.value) - Number(b.value);
}

function metricRecord({ row, name, set, added }: MetricSum): object {
  return {
    run_id: row.runId,
    tenant_id: row.tenantId,
    name,
    set_value: set?.value ?? null,
    set_at: set === null ? null : timestampText(set.row.tsUs),
    set_span_id: set?.row.spanId ?? null,
    added_value: added?.toString() ?? null,
  };
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
