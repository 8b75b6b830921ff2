/**
 * Every name that Runledger owns on the wire. The SDK writes these and the receiver reads them; this is the only file the two
 * share, so it imports nothing. docs/instrument.md says what each one does.
 */

/**
 * Span and log attribute keys, each with where it may stand and what it means; docs/reference/attributes.md is made from these lines. Units
 * are in the names; counts are non-negative integers.
 */
export const ATTR = {
  /** Our own spans: what it is, `run`, `stage`, `item`, `vendor_call`, `start` or `heartbeat`. */
  kind: 'runledger.kind',
  /** Every span, or the resource: the tenant, by number or name. */
  tenantId: 'runledger.tenant.id',
  /** Every span: the run, a whole number or text of at most 200 characters. */
  runId: 'runledger.run.id',
  /** The run and its signs of life: name of the pipeline. */
  pipeline: 'runledger.pipeline',
  /** Every span inside a stage, and the stage: name of the stage. */
  stage: 'runledger.stage',
  /** A stage: what it counts, `self` (itself, as one), `items` (those inside it) or `bulk` (the numbers that it gives). */
  stageUnit: 'runledger.stage.unit',
  /** A stage: units that it had, where its unit is `bulk`. */
  countTotal: 'runledger.count.total',
  /** A stage: units that went well. */
  countSuccess: 'runledger.count.success',
  /** A stage: units that failed. */
  countError: 'runledger.count.error',
  /** An item, its vendor calls and events: the item, a number or text. */
  itemId: 'runledger.item.id',
  /** An item: the class it was sorted into, such as High, from which QA samples are drawn. */
  itemBucket: 'runledger.item.bucket',
  /** A vendor call: who is called. */
  vendor: 'runledger.vendor',
  /** Every span started inside a vendor call: the vendor that is being called. */
  within: 'runledger.within',
  /** A vendor call: requests that it stands for; 1 when absent. */
  calls: 'runledger.calls',
  /** A vendor call: requests of it that failed. */
  errors: 'runledger.errors',
  /** A vendor call: answers of "too many requests". */
  rateLimitHits: 'runledger.rate_limit_hits',
  /** A vendor call: true when the vendor said that the credit is used up. */
  quotaExhausted: 'runledger.quota_exhausted',
  /** A vendor call: US dollars, as a double; absent where the price list is to say it. */
  costUsd: 'runledger.cost_usd',
  /** A vendor call: tokens sent to a model. */
  tokensInput: 'runledger.tokens_input',
  /** A vendor call: tokens that a model made. */
  tokensOutput: 'runledger.tokens_output',
  /** A vendor call: credits or units of a vendor that is priced by them. */
  units: 'runledger.units',
  /** An item or a span event: `ok`, `error`, `skip` or `retry`. */
  status: 'runledger.status',
  /** Whatever failed: a short code by which failures are grouped. */
  errorCode: 'runledger.error.code',
  /** The run, at its end: `succeeded`, `failed` or `cancelled`. */
  runStatus: 'runledger.run.status',
  /** The run, at its end: true when it ended well and yet not as it should. */
  runDegraded: 'runledger.run.degraded',
  /** The run: its address in LangSmith, https on a configured host. */
  langsmithUrl: 'runledger.langsmith_url',
  /** The run, at its end: stages that the sender ended, against which `complete` is judged. */
  sentStages: 'runledger.sent.stages',
  /** The run, at its end: items that the sender ended. */
  sentItems: 'runledger.sent.items',
  /** The run, at its end: vendor calls that the sender ended. */
  sentVendorCalls: 'runledger.sent.vendor_calls',
  /** The run, at its end: spans that the sender knows to be lost. */
  sentDropped: 'runledger.sent.dropped',
  /** A start marker: the span that it announces, 16 hex digits. */
  subjectSpanId: 'runledger.subject.span_id',
  /** A start marker: what that span is, `run` or `stage`. */
  subjectKind: 'runledger.subject.kind',
  /** A start marker: when that span began, a decimal string of nanoseconds since the epoch. */
  subjectStartUnixNano: 'runledger.subject.start_unix_nano',
  /** A start marker: true when that span has no parent. */
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
