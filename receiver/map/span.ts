/**
 * One span to its rows.
 *
 *   run          stage _run: start, then finish or error; the run's facts and metrics
 *   stage        start, then finish or error; units by runledger.stage.unit
 *   item         finish, error or skip; one unit
 *   vendor_call  vendor_call; calls, errors, limits, tokens, cost
 *   start        the start row of the span that it announces (marker.ts)
 *   heartbeat    no row: it moves the run's last event time
 *   other        no row; its retry and fallback events still count (event.ts)
 */

import { type Span, VALUE_STRING } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { mapSpanEvents } from './event.ts';
import { Extra } from './extra.ts';
import { identify } from './identity.ts';
import { nameItem } from './ids.ts';
import { kindOf, vendorOfCall } from './kind.ts';
import type { Layers } from './layer.ts';
import type { Mapping, Outcome } from './mapping.ts';
import { mapStartMarker } from './marker.ts';
import { readMetrics } from './metric.ts';
import { blankRow, type EventRow, type RefusalReason, RUN_STAGE, SEQ_MAIN, SEQ_START } from './row.ts';
import { langsmithUrl, runFacts, runOutcome } from './run.ts';
import type { SpanScene } from './scene.ts';
import { stageName } from './stage.ts';
import { errorCodeOf, spanStatus } from './status.ts';
import { cutChars } from './text.ts';
import { durationMs, plausibleUs, refuseTime } from './time.ts';
import { addUsage } from './usage.ts';
import type { View } from './view.ts';

export function mapSpan(span: Span, view: View, layers: Layers, mapping: Mapping): Outcome {
  const { out, snapshot } = mapping;
  const kind = kindOf(span, view, snapshot);
  const refuse = (reason: RefusalReason, tenantId: number, message: string): Outcome => {
    out.refusals.push({ tenantId, reason, message });
    return { kind, refused: reason, message };
  };

  const tokenTenant = mapping.principal.kind === 'tenant' ? mapping.principal.tenantId : 0;
  if (span.traceId === '' || span.spanId === '') {
    return refuse('invalid_ids', tokenTenant, 'trace_id must be 16 bytes and span_id 8 bytes, not all zero');
  }
  const identity = identify(view, mapping);
  if ('refused' in identity) return refuse(identity.refused, identity.tenantId, identity.message);

  const startUs = plausibleUs(span.startUs);
  const endUs = plausibleUs(span.endUs);
  const tsUs = endUs !== 0 ? endUs : startUs;
  const badTime = refuseTime(tsUs, mapping);
  if (badTime !== null) return refuse(badTime, identity.tenantId, TIME_MESSAGES[badTime]);

  const stageText = view.text('stage') ?? (kind === 'stage' ? view.text('taskName') : null);
  const stage = stageName(stageText, mapping);
  const scene: SpanScene = { span, view, mapping, identity, kind, startUs, endUs, tsUs, stage };

  if (identity.run === null && kind !== 'run' && span.parentSpanId === '' && kind !== 'start' && kind !== 'heartbeat') {
    out.rootsWithoutRun.push({ tenantId: identity.tenantId, traceId: span.traceId });
  }
  const before = out.rows.length;
  const outcome = mapByKind(scene);
  if (outcome !== null && outcome.refused !== null) return outcome;
  if (kind !== 'start' && kind !== 'heartbeat') mapSpanEvents(scene, layers);
  if (out.rows.length === before && kind !== 'heartbeat') out.otherSpans++;
  return outcome ?? { kind, refused: null, message: null };
}

/** @returns an outcome where the span is not simply its kind's rows. */
function mapByKind(scene: SpanScene): Outcome | null {
  switch (scene.kind) {
    case 'run':
      return mapRun(scene);
    case 'stage':
      mapStage(scene);
      return null;
    case 'item':
      mapItem(scene);
      return null;
    case 'vendor_call':
      return mapVendorCall(scene);
    case 'start':
      return mapStartMarker(scene);
    case 'heartbeat':
      if (scene.identity.run !== null && scene.identity.tenantId !== 0) {
        scene.mapping.out.heartbeats.push({
          tenantId: scene.identity.tenantId,
          run: scene.identity.run,
          tsUs: scene.tsUs,
        });
      } else scene.mapping.out.otherSpans++;
      return null;
    default:
      return null;
  }
}

function mapRun(scene: SpanScene): Outcome | null {
  const { span, view, mapping, identity } = scene;
  if (identity.tenantId === 0) {
    const message = 'a run needs its tenant: set runledger.tenant.id on the run span or on the resource';
    mapping.out.refusals.push({ tenantId: 0, reason: 'no_tenant', message });
    return { kind: scene.kind, refused: 'no_tenant', message };
  }
  // A run that names no id is named by its trace.
  const run = identity.run ?? { key: span.traceId };
  const outcome = runOutcome(span, view);
  const failed = outcome === 'failed';
  const extra = spanExtra(scene);
  const metrics = readMetrics(view, extra, true);
  const url = langsmithUrl(view, mapping, extra);
  const startedUs = scene.startUs !== 0 ? scene.startUs : scene.tsUs;
  pushStartRow(scene, { run, kind: 'run', stage: RUN_STAGE });
  mapping.out.rows.push({
    ...mainRow(scene, extra),
    run,
    kind: 'run',
    stage: RUN_STAGE,
    event: failed ? 'error' : 'finish',
    status: failed ? 'error' : outcome === 'cancelled' ? 'skip' : 'ok',
    errorCode: failed ? errorCodeOf(span, view, mapping) : null,
    extra: extra.finish(),
    metrics,
    facts: runFacts(scene, {
      status: outcome,
      startedUs,
      atUs: scene.tsUs,
      spanId: span.spanId,
      langsmithUrl: url,
    }),
  });
  if (span.parentSpanId === '') {
    const claimsTenantless = mapping.principal.kind === 'ingest';
    mapping.out.bindings.push({ tenantId: identity.tenantId, run, traceId: span.traceId, claimsTenantless });
  }
  return null;
}

function mapStage(scene: SpanScene): void {
  const { span, view, mapping } = scene;
  const extra = spanExtra(scene);
  const status = spanStatus(span, view);
  const metrics = readMetrics(view, extra, false);
  const units = stageUnits(scene, status, extra);
  pushStartRow(scene, { run: scene.identity.run, kind: 'stage', stage: scene.stage });
  mapping.out.rows.push({
    ...mainRow(scene, extra),
    kind: 'stage',
    event: status === 'error' ? 'error' : 'finish',
    status,
    errorCode: status === 'error' ? errorCodeOf(span, view, mapping) : null,
    ...units,
    extra: extra.finish(),
    metrics,
  });
}

function mapItem(scene: SpanScene): void {
  const { span, view, mapping } = scene;
  const extra = spanExtra(scene);
  const status = spanStatus(span, view);
  const metrics = readMetrics(view, extra, false);
  mapping.out.rows.push({
    ...mainRow(scene, extra),
    kind: 'item',
    event: status === 'ok' ? 'finish' : status,
    status,
    errorCode: status === 'error' ? errorCodeOf(span, view, mapping) : null,
    unitsTotal: 1,
    unitsSuccess: status === 'ok' ? 1 : 0,
    unitsError: status === 'error' ? 1 : 0,
    bucket: bucketOf(view, mapping),
    extra: extra.finish(),
    metrics,
  });
}

function mapVendorCall(scene: SpanScene): Outcome | null {
  const { view, mapping } = scene;
  const vendor = vendorOfCall(view, mapping.snapshot) ?? 'unknown';
  const within = view.getOwn('within');
  if (within?.type === VALUE_STRING) {
    const outer = within.value.toLowerCase();
    const isHttp = view.getOwn('httpMethod') !== undefined || view.getOwn('httpStatus') !== undefined;
    // The outer call counts it: its SDK sums what inner spans show.
    if (isHttp || vendor === outer || vendor === mapping.snapshot.vendorByAlias.get(outer)?.name) {
      return { kind: scene.kind, refused: null, message: null, nestedIn: within.value };
    }
  }
  const extra = spanExtra(scene);
  const metrics = readMetrics(view, extra, false);
  const row: EventRow = {
    ...mainRow(scene, extra),
    kind: 'vendor_call',
    event: 'vendor_call',
    vendor: mapping.cleanName(vendor),
  };
  addUsage(row, scene, extra);
  row.extra = extra.finish();
  row.metrics = metrics;
  mapping.out.rows.push(row);
  return null;
}

// Rows -----------------------------------------------------------------------------------------------------------------------

/** Holds only what the start marker knows too, so that marker and span make the same single row whichever comes first. */
function pushStartRow(scene: SpanScene, { run, kind, stage }: Pick<EventRow, 'run' | 'kind' | 'stage'>): void {
  const { mapping, identity, span } = scene;
  const tsUs = scene.startUs !== 0 ? scene.startUs : scene.tsUs;
  // A run may have begun before the retention floor; its end still counts.
  if (refuseTime(tsUs, mapping) !== null) return;
  const row = {
    ...blankRow(identity.tenantId, run),
    tsUs,
    spanId: span.spanId,
    seq: SEQ_START,
    kind,
    stage,
    event: 'start',
  };
  row.traceId = span.traceId;
  if (kind === 'run') {
    row.facts = runFacts(scene, {
      status: 'running',
      startedUs: tsUs,
      atUs: tsUs,
      spanId: span.spanId,
      langsmithUrl: null,
    });
  }
  mapping.out.rows.push(row);
}

/** The span's own row, before its kind adds to it. */
function mainRow(scene: SpanScene, extra: Extra): EventRow {
  const { span, identity, view, mapping } = scene;
  const row = blankRow(identity.tenantId, identity.run);
  row.tsUs = scene.tsUs;
  row.spanId = span.spanId;
  row.seq = SEQ_MAIN;
  row.stage = scene.stage;
  row.traceId = span.traceId;
  row.durationMs = spanDuration(scene, extra);
  const item = view.get('item');
  if (item !== undefined) {
    const named = nameItem(item, identity.tenantId, mapping.redact);
    row.companyId = named?.id ?? null;
    if (named?.text != null) extra.text('item_id', named.text);
  }
  return row;
}

function spanExtra({ span, view, mapping, identity, stage }: SpanScene): Extra {
  const extra = new Extra(mapping.redact);
  for (const mark of identity.marks) extra.mark(mark);
  const name = mapping.cleanName(span.name);
  if (name !== '' && name !== stage) extra.text('name', cutChars(name, LIMITS.messageChars));
  if (span.statusCode === 2 && span.statusMessage !== '')
    extra.text('message', cutChars(span.statusMessage, LIMITS.messageChars));
  extra.attributes(view.own.rest);
  return extra;
}

function spanDuration({ span, startUs, endUs }: SpanScene, extra: Extra): number | null {
  if (startUs === 0 || endUs === 0) {
    extra.mark(startUs === 0 ? 'no_start' : 'no_end');
    return null;
  }
  const ms = durationMs(startUs, span.startNs, endUs, span.endNs);
  if (endUs < startUs || (endUs === startUs && span.endNs < span.startNs)) {
    extra.mark('negative_duration');
    return null;
  }
  if (ms <= LIMITS.durationMs) return ms;
  extra.mark('duration_capped');
  return LIMITS.durationMs;
}

function stageUnits(
  { view }: SpanScene,
  status: string,
  extra: Extra,
): Pick<EventRow, 'unitsTotal' | 'unitsSuccess' | 'unitsError'> {
  const unit = view.getOwn('stageUnit');
  const stated = unit?.type === VALUE_STRING ? unit.value : 'self';
  if (stated === 'items') return { unitsTotal: 0, unitsSuccess: 0, unitsError: 0 };
  if (stated !== 'bulk') {
    if (stated !== 'self') extra.mark('stage_unit_unknown');
    return { unitsTotal: 1, unitsSuccess: status === 'ok' ? 1 : 0, unitsError: status === 'error' ? 1 : 0 };
  }
  const read = (field: 'countTotal' | 'countSuccess' | 'countError') => {
    const count = view.ownCount(field);
    if (count === null) extra.mark('count_ignored');
    return count ?? null;
  };
  const success = read('countSuccess');
  const error = read('countError');
  const total = read('countTotal') ?? (success ?? 0) + (error ?? 0);
  const unitsError = error ?? (success === null ? 0 : Math.max(0, total - success));
  return { unitsTotal: total, unitsSuccess: success ?? Math.max(0, total - unitsError), unitsError };
}

function bucketOf(view: View, mapping: Mapping): string | null {
  const text = view.text('bucket');
  return text === null ? null : cutChars(mapping.cleanName(text), LIMITS.bucketChars);
}

const TIME_MESSAGES = {
  no_time:
    'the span has neither a start nor an end between the years 2000 and 2100 (times are nanoseconds since the epoch)',
  future: `the span lies more than ${LIMITS.futureHours} h in the future: check the sender's clock`,
  too_old: 'the span is older than the events that are kept (RUNLEDGER_EVENT_RETENTION_DAYS)',
};
