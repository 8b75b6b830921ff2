/** What map/ produces and write/ stores. Rows are all that write/ knows about telemetry. */

import type { RunOutcome } from '../../sdk/attributes.ts';

/** What a row is about; decides which counters it moves. */
export type RowKind = 'run' | 'stage' | 'item' | 'vendor_call' | 'event' | 'log';

/** seq of run_event_logs: 0 start, 1 the span's main row, 2 + i its i-th event, -1 a log record, -2 qa_sampled. */
export const SEQ_START = 0;
export const SEQ_MAIN = 1;
export const SEQ_FIRST_EVENT = 2;
export const SEQ_LOG = -1;

/** The stage of rows that belong to the run as a whole. */
export const RUN_STAGE = '_run';
export const UNASSIGNED_STAGE = 'unassigned';
/** Where stages and vendors beyond the limit per run are counted. */
export const OTHER_NAME = '_other';

/**
 * How a span names its run. `id` is a decimal run id, `key` any other name (resolved to an id by write), null: the run of the
 * trace's root.
 */
export type RunName = { id: number } | { key: string } | null;

/** One row of run_event_logs with everything it adds to counters. Times are microseconds since the epoch. */
export interface EventRow {
  /** 0: not known yet (ingest token, no tenant on the span); the row parks until its trace's root is known. */
  tenantId: number;
  run: RunName;
  /** 0 until write has resolved `run`. */
  runId: number;
  tsUs: number;
  spanId: string;
  seq: number;
  kind: RowKind;
  stage: string;
  companyId: number | null;
  event: string;
  status: string;
  errorCode: string | null;
  durationMs: number | null;
  traceId: string;
  /** JSON text of an object, or null. */
  extra: string | null;
  vendor: string | null;
  calls: number;
  errors: number;
  unitsTotal: number;
  unitsSuccess: number;
  unitsError: number;
  rateLimitHits: number;
  quotaExhausted: boolean;
  /** Decimal text; null: not known (unpriced). */
  costUsd: string | null;
  tokensInput: number;
  tokensOutput: number;
  priceId: string | null;
  bucket: string | null;
  /** Run metrics and the run's statement of what was sent; null for most rows. */
  metrics: RowMetrics | null;
  /** What the row says about its run as a whole; null unless it comes from a run span or its start marker. */
  facts: RunFacts | null;
}

/** Stored as JSONB in run_event_logs.metrics. Numbers are decimal text so that sums are exact. */
export interface RowMetrics {
  set?: Record<string, string>;
  add?: Record<string, string>;
  /** From run spans: how many spans of each kind the sender ended. */
  sent?: { stages: number; items: number; vendor_calls: number; dropped: number };
}

/** One signal for the registers of enrichment_runs. */
export interface RunFacts {
  /** What the signal says the run is in: a start says running. */
  status: 'running' | RunOutcome;
  degraded: boolean;
  /** The run span's start, microseconds. */
  startedUs: number;
  /** When the signal happened: the start for a start row, the end for a finish row. */
  atUs: number;
  spanId: string;
  traceId: string;
  pipeline: string | null;
  environment: string | null;
  pipelineVersion: string | null;
  langsmithUrl: string | null;
  /** JSON text of the resource attributes, after privacy. */
  resource: string | null;
  /**
   * Absent for spans. Somebody began or cancelled the run by the API: a beginning names the run only as long as no span does, and a
   * cancellation says nothing but that.
   */
  signal?: 'begin' | 'cancel';
}

/** A root run span (or its start marker) ties its trace to its tenant and run. */
export interface TraceBinding {
  tenantId: number;
  run: Exclude<RunName, null>;
  traceId: string;
  /** True when sent with an ingest token: rows of this trace that wait under tenant 0 may follow it. */
  claimsTenantless: boolean;
}

/** A heartbeat: no row, it only moves the run's last event time. */
export interface Heartbeat {
  tenantId: number;
  run: Exclude<RunName, null>;
  tsUs: number;
}

export const REFUSAL_REASONS = [
  'invalid_ids',
  'malformed',
  'no_time',
  'future',
  'too_old',
  'no_tenant',
  'unknown_tenant',
  'disabled_tenant',
  'other_tenant',
  'invalid_run_id',
  'invalid_marker',
  'not_storable',
  'parked_full',
] as const;
/** Why one span is refused for good. Counted per tenant and answered in partial_success. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface Refusal {
  tenantId: number;
  reason: RefusalReason;
  /** For the sender: what to fix. */
  message: string;
}

/** What one chunk of a request maps to. */
export interface MappedChunk {
  rows: EventRow[];
  bindings: TraceBinding[];
  heartbeats: Heartbeat[];
  refusals: Refusal[];
  /** Traces whose root was seen and names no run (tenant, trace): their parked rows are marked `no_root_run`. */
  rootsWithoutRun: { tenantId: number; traceId: string }[];
  /** Tenants that were named and are not registered (their spans are in refusals); ingest may register them and map again. */
  unknownTenants: Set<string>;
  /** Spans that make no row: other kinds, nested vendor calls. */
  otherSpans: number;
}

/** Every field named once and in one order, so that all rows have one hidden class. */
export function blankRow(tenantId: number, run: EventRow['run']): EventRow {
  return {
    tenantId,
    run,
    runId: run !== null && 'id' in run ? run.id : 0,
    tsUs: 0,
    spanId: '',
    seq: 0,
    kind: 'event',
    stage: UNASSIGNED_STAGE,
    companyId: null,
    event: '',
    status: 'ok',
    errorCode: null,
    durationMs: null,
    traceId: '',
    extra: null,
    vendor: null,
    calls: 0,
    errors: 0,
    unitsTotal: 0,
    unitsSuccess: 0,
    unitsError: 0,
    rateLimitHits: 0,
    quotaExhausted: false,
    costUsd: null,
    tokensInput: 0,
    tokensOutput: 0,
    priceId: null,
    bucket: null,
    metrics: null,
    facts: null,
  };
}
