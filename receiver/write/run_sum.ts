/** What rows add to their run: its registers of state, identity and link, its event times, and what is stored of what was sent. */

import { type EventRow, type RunFacts, SEQ_MAIN } from '../map/row.ts';
import { compareText, EVER, entry, NEVER } from './order.ts';
import { timestampText } from './timestamp.ts';

/** Of two signals at one time the larger rank decides. */
const STATE_RANK = { running: 0, succeeded: 1, cancelled: 2, failed: 3 } as const;

export interface RunSum {
  tenantId: number;
  runId: number;
  runKey: string | null;
  changes: number;
  firstUs: number;
  lastUs: number;
  state: RunFacts | null;
  identity: RunFacts | null;
  /** The identity among those that have a link. */
  link: RunFacts | null;
  startedUs: number;
  sent: { statements: number; stages: number; items: number; vendorCalls: number; dropped: number };
  stored: { stages: number; items: number; vendorCalls: number };
}

export function runSum(
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
    link: null,
    startedUs: Number.POSITIVE_INFINITY,
    sent: { statements: 0, stages: 0, items: 0, vendorCalls: 0, dropped: 0 },
    stored: { stages: 0, items: 0, vendorCalls: 0 },
  }));
}

export function addToRun(run: RunSum, row: EventRow): void {
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
  if (run.state === null || compareStates(facts, run.state) > 0) run.state = facts;
  if (facts.signal === 'cancel') return;
  run.startedUs = Math.min(run.startedUs, facts.startedUs);
  if (run.identity === null || compareIdentities(facts, run.identity) < 0) run.identity = facts;
  if (facts.langsmithUrl === null) return;
  if (run.link === null || compareIdentities(facts, run.link) < 0) run.link = facts;
}

function compareStates(a: RunFacts, b: RunFacts): number {
  return a.atUs - b.atUs || STATE_RANK[a.status] - STATE_RANK[b.status] || compareText(a.spanId, b.spanId);
}

/** A run span sends the same identity with its start row and its finish row; only the finish row knows the LangSmith link. */
function compareIdentities(a: RunFacts, b: RunFacts): number {
  return (
    Number(a.signal !== undefined) - Number(b.signal !== undefined) ||
    a.startedUs - b.startedUs ||
    compareText(a.spanId, b.spanId) ||
    identityRank(a) - identityRank(b)
  );
}

/** One that was begun by the API stands behind every span's, however early it is. */
function identityAt(facts: RunFacts | null): string {
  return facts === null || facts.signal !== undefined ? EVER : timestampText(facts.startedUs);
}

function identitySpanId(facts: RunFacts | null): string {
  return facts?.spanId ?? '~';
}

function identityRank(facts: RunFacts | null): number {
  if (facts === null) return 2;
  return facts.status === 'running' ? 1 : 0;
}

export function runRecord(run: RunSum): object {
  const { state, identity, link } = run;
  return {
    tenant_id: run.tenantId,
    run_id: run.runId,
    run_key: run.runKey,
    state: state?.status ?? 'running',
    state_at: state === null ? NEVER : timestampText(state.atUs),
    state_rank: state === null ? -1 : STATE_RANK[state.status],
    state_span_id: state?.spanId ?? '',
    state_degraded: state?.degraded ?? false,
    identity_at: identityAt(identity),
    identity_span_id: identitySpanId(identity),
    identity_rank: identityRank(identity),
    link_at: identityAt(link),
    link_span_id: identitySpanId(link),
    link_rank: identityRank(link),
    run_started_at: Number.isFinite(run.startedUs) ? timestampText(run.startedUs) : null,
    langsmith_trace_url: link?.langsmithUrl ?? null,
    pipeline: identity?.pipeline ?? null,
    environment: identity?.environment ?? null,
    pipeline_version: identity?.pipelineVersion ?? null,
    trace_id: identity === null || identity.traceId === '' ? null : identity.traceId,
    // As text: parsed here, its integers beyond 2^53 would be rounded.
    resource: identity?.resource ?? null,
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
