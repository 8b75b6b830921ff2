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

import type { Span } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { mapSpanEvents } from './event.ts';
import { Extra } from './extra.ts';
import { FIELD } from './fields.ts';
import { identify } from './identity.ts';
import { addItem } from './item.ts';
import { kindOf, nestedIn, vendorOfCall } from './kind.ts';
import type { Layers } from './layer.ts';
import type { Mapping, Outcome } from './mapping.ts';
import { mapStartMarker } from './marker.ts';
import { readMetrics } from './metric.ts';
import { blankRow, type EventRow, type RefusalReason, RUN_STAGE, type RunName, SEQ_MAIN, SEQ_START } from './row.ts';
import { langsmithUrl, runFacts, runOutcome } from './run.ts';
import type { SpanScene } from './scene.ts';
import { stageName } from './stage.ts';
import { errorCodeOf, spanStatus } from './status.ts';
import { cleanText, cutChars } from './text.ts';
import { durationMs, plausibleUs, refuseTime } from './time.ts';
import { addOneUnit, addStageUnits } from './units.ts';
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

  const stageText = view.text(FIELD.stage) ?? (kind === 'stage' ? view.text(FIELD.taskName) : null);
  const stage = stageName(stageText, mapping);
  const scene: SpanScene = { span, view, mapping, identity, kind, startUs, endUs, tsUs, stage };

  if (identity.run === null && kind !== 'run' && span.parentSpanId === '' && kind !== 'start' && kind !== 'heartbeat') {
    out.rootsWithoutRun.push({ tenantId: identity.tenantId, traceId: span.traceId });
    // What came without a tenant waits under tenant 0.
    if (tokenTenant === 0 && identity.tenantId !== 0) out.rootsWithoutRun.push({ tenantId: 0, traceId: span.traceId });
  }
  const before = out.rows.length;
  const outer = nestedIn(kind, view, mapping);
  const outcome = outer === null ? mapByKind(scene) : { kind, refused: null, message: null, nestedIn: outer };
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
      mapVendorCall(scene);
      return null;
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
  const extra = spanExtra(scene);
  const outcome = runOutcome(span, view, extra);
  const failed = outcome === 'failed';
  const startedUs = scene.startUs !== 0 ? scene.startUs : scene.tsUs;
  pushStartRow(scene, run, 'run', RUN_STAGE, extra);
  const row = mainRow(scene, extra);
  row.run = run;
  row.runId = 'id' in run ? run.id : 0;
  row.kind = 'run';
  row.stage = RUN_STAGE;
  row.event = failed ? 'error' : 'finish';
  row.status = failed ? 'error' : outcome === 'cancelled' ? 'skip' : 'ok';
  row.errorCode = failed ? errorCodeOf(span, view, mapping) : null;
  row.metrics = readMetrics(view, extra, true, mapping.names);
  const facts = { status: outcome, startedUs, atUs: scene.tsUs, spanId: span.spanId };
  row.facts = runFacts(scene, { ...facts, langsmithUrl: langsmithUrl(view, mapping, extra) });
  row.extra = extra.finish(view.own);
  mapping.out.rows.push(row);
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
  pushStartRow(scene, scene.identity.run, 'stage', scene.stage, extra);
  const row = mainRow(scene, extra);
  row.kind = 'stage';
  row.event = status === 'error' ? 'error' : 'finish';
  row.status = status;
  row.errorCode = status === 'error' ? errorCodeOf(span, view, mapping) : null;
  addStageUnits(row, view, extra);
  row.metrics = readMetrics(view, extra, false, mapping.names);
  row.extra = extra.finish(view.own);
  mapping.out.rows.push(row);
}

function mapItem(scene: SpanScene): void {
  const { span, view, mapping } = scene;
  const extra = spanExtra(scene);
  const status = spanStatus(span, view);
  const row = mainRow(scene, extra);
  row.kind = 'item';
  row.event = status === 'ok' ? 'finish' : status;
  row.status = status;
  row.errorCode = status === 'error' ? errorCodeOf(span, view, mapping) : null;
  addOneUnit(row);
  const bucket = view.text(FIELD.bucket);
  if (bucket !== null) row.bucket = cutChars(mapping.names.clean(bucket), LIMITS.bucketChars);
  row.metrics = readMetrics(view, extra, false, mapping.names);
  row.extra = extra.finish(view.own);
  mapping.out.rows.push(row);
}

function mapVendorCall(scene: SpanScene): void {
  const { view, mapping } = scene;
  const extra = spanExtra(scene);
  const row = mainRow(scene, extra);
  row.kind = 'vendor_call';
  row.event = 'vendor_call';
  row.vendor = vendorOfCall(view, mapping);
  addUsage(row, scene, extra);
  row.metrics = readMetrics(view, extra, false, mapping.names);
  row.extra = extra.finish(view.own);
  mapping.out.rows.push(row);
}

// Rows -----------------------------------------------------------------------------------------------------------------------

/** Holds only what the start marker knows too, so that marker and span make the same single row whichever comes first. */
function pushStartRow(scene: SpanScene, run: RunName, kind: 'run' | 'stage', stage: string, extra: Extra): void {
  const { mapping, identity, span } = scene;
  const tsUs = scene.startUs !== 0 ? scene.startUs : scene.tsUs;
  // A span may have begun before the retention floor; its end still counts.
  if (refuseTime(tsUs, mapping) !== null) {
    extra.mark('start_not_kept');
    return;
  }
  const row = blankRow(identity.tenantId, run);
  row.tsUs = tsUs;
  row.spanId = span.spanId;
  row.seq = SEQ_START;
  row.kind = kind;
  row.stage = stage;
  row.event = 'start';
  row.traceId = span.traceId;
  if (kind === 'run') {
    const facts = { startedUs: tsUs, atUs: tsUs, spanId: span.spanId, langsmithUrl: null };
    row.facts = runFacts(scene, { ...facts, status: 'running' });
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
  addItem(row, view, mapping, extra);
  return row;
}

function spanExtra({ span, mapping, identity, stage }: SpanScene): Extra {
  const extra = new Extra(mapping.redact);
  for (const mark of identity.marks) extra.mark(mark);
  const name = mapping.names.clean(span.name);
  if (name !== '' && name !== stage) extra.json('name', mapping.names.shownJson(span.name));
  if (span.statusCode === 2 && span.statusMessage !== '')
    extra.text('message', cutChars(mapping.redact(cleanText(span.statusMessage)), LIMITS.messageChars));
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

const TIME_MESSAGES = {
  no_time:
    'the span has neither a start nor an end between the years 2000 and 2100 (times are nanoseconds since the epoch)',
  future: `the span lies more than ${LIMITS.futureHours} h in the future: check the sender's clock`,
  too_old: 'the span is older than the events that are kept (RUNLEDGER_EVENT_RETENTION_DAYS)',
};
