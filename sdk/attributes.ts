/**
 * Every name that Runledger owns on the wire. The SDK writes these and the receiver reads them; this is the only file the two
 * share, so it imports nothing. docs/instrument.md says what each one does.
 */

/** Span and log attribute keys. Units are in the names; counts are non-negative integers. */
export const ATTR = {
  kind: 'runledger.kind',
  tenantId: 'runledger.tenant.id',
  runId: 'runledger.run.id',
  pipeline: 'runledger.pipeline',
  stage: 'runledger.stage',
  stageUnit: 'runledger.stage.unit',
  countTotal: 'runledger.count.total',
  countSuccess: 'runledger.count.success',
  countError: 'runledger.count.error',
  itemId: 'runledger.item.id',
  itemBucket: 'runledger.item.bucket',
  vendor: 'runledger.vendor',
  /** On every span started inside a vendor call: the vendor that is being called. */
  within: 'runledger.within',
  calls: 'runledger.calls',
  errors: 'runledger.errors',
  rateLimitHits: 'runledger.rate_limit_hits',
  quotaExhausted: 'runledger.quota_exhausted',
  /** US dollars, as a double. */
  costUsd: 'runledger.cost_usd',
  tokensInput: 'runledger.tokens_input',
  tokensOutput: 'runledger.tokens_output',
  /** Credits or units of a vendor that is priced by them. */
  units: 'runledger.units',
  /** ok, error, skip or retry. */
  status: 'runledger.status',
  errorCode: 'runledger.error.code',
  /** succeeded, failed or cancelled. */
  runStatus: 'runledger.run.status',
  runDegraded: 'runledger.run.degraded',
  langsmithUrl: 'runledger.langsmith_url',
  sentStages: 'runledger.sent.stages',
  sentItems: 'runledger.sent.items',
  sentVendorCalls: 'runledger.sent.vendor_calls',
  sentDropped: 'runledger.sent.dropped',
  /** On a start marker: the span that it announces. */
  subjectSpanId: 'runledger.subject.span_id',
  /** run or stage. */
  subjectKind: 'runledger.subject.kind',
  /** Decimal string of nanoseconds since the epoch. */
  subjectStartUnixNano: 'runledger.subject.start_unix_nano',
  /** true when the announced span has no parent. */
  subjectRoot: 'runledger.subject.root',
} as const;

/** `runledger.metric.NAME`: the last value by time wins. */
export const METRIC_PREFIX = 'runledger.metric.';
/** `runledger.metric_sum.NAME`: values of all spans are added. */
export const METRIC_SUM_PREFIX = 'runledger.metric_sum.';

/** Values of `runledger.kind`. */
export const KINDS = ['run', 'stage', 'item', 'vendor_call', 'start', 'heartbeat'] as const;
export type Kind = (typeof KINDS)[number];

/** Values of `runledger.stage.unit`. */
export const STAGE_UNITS = ['self', 'items', 'bulk'] as const;
export type StageUnit = (typeof STAGE_UNITS)[number];

/** Values of `runledger.status`, the status column of run_event_logs. */
export const EVENT_STATUSES = ['ok', 'error', 'skip', 'retry'] as const;
export type EventStatus = (typeof EVENT_STATUSES)[number];

/** Values of `runledger.run.status` that a pipeline may state. */
export const RUN_OUTCOMES = ['succeeded', 'failed', 'cancelled'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** Names of metrics that the dashboards know; any other name is stored too. */
export const KNOWN_METRICS = [
  'candidates_considered',
  'candidates_selected',
  'items_delivered',
  'emails_found',
  'emails_verified',
  'fallback_used',
  'fallback_attempted',
  'lookups_attempted',
  'lookups_succeeded',
] as const;
