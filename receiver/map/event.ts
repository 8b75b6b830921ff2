/** Span events that make rows: `retry`, `fallback`, and any that states runledger.status. */

import type { SpanEvent } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { Extra } from './extra.ts';
import { FIELD } from './fields.ts';
import { addItem } from './item.ts';
import type { Layers } from './layer.ts';
import { blankRow, SEQ_FIRST_EVENT } from './row.ts';
import type { SpanScene } from './scene.ts';
import { stageName } from './stage.ts';
import { statedStatus } from './status.ts';
import { cutChars } from './text.ts';
import { plausibleUs, refuseTime } from './time.ts';
import { typedText } from './typed_text.ts';
import { View } from './view.ts';

export function mapSpanEvents(scene: SpanScene, layers: Layers): void {
  const { events } = scene.span;
  if (events.length === 0) return;
  // Numbered by (time, name), so that a sender that reorders its list sends the same keys. All events have a number, so that a
  // row's key does not depend on which of its neighbours make rows.
  const ordered = events.length === 1 ? events : [...events].sort(byTimeAndName);
  for (const [index, event] of ordered.entries()) mapSpanEvent(event, SEQ_FIRST_EVENT + index, scene, layers);
}

function mapSpanEvent(event: SpanEvent, seq: number, scene: SpanScene, layers: Layers): void {
  if (event.name === 'exception') return;
  const counted = event.name === 'retry' || event.name === 'fallback';
  if (!counted && event.attributes.length === 0) return;
  const { span, mapping, identity } = scene;
  const own = layers.collect(event.attributes);
  const view = new View(own, scene.view.own, scene.view.resource);
  const stated = statedStatus(view);
  if (!counted && stated === null) return;

  const tsUs = plausibleUs(event.timeUs) || scene.tsUs;
  const badTime = refuseTime(tsUs, mapping);
  if (badTime !== null) {
    // At another time it would be another row, and a resend would count twice.
    const message = `an event of a span lies outside of the time that is kept: ${badTime}`;
    mapping.out.refusals.push({ tenantId: identity.tenantId, reason: badTime, message });
    return;
  }
  const row = blankRow(identity.tenantId, eventRun(scene));
  row.tsUs = tsUs;
  row.spanId = span.spanId;
  row.seq = seq;
  row.kind = 'event';
  row.stage = view.getOwn(FIELD.stage) === undefined ? scene.stage : stageName(view.text(FIELD.stage), mapping);
  row.event = cutChars(mapping.names.clean(event.name) || 'event', LIMITS.eventChars);
  row.status = stated ?? (event.name === 'retry' ? 'retry' : 'ok');
  row.traceId = span.traceId;
  row.errorCode = eventErrorCode(view, row.status, scene);
  const extra = new Extra(mapping.redact);
  addItem(row, view, mapping, extra, scene.view);
  row.extra = extra.finish(own);
  mapping.out.rows.push(row);
}

function eventErrorCode(view: View, status: string, { mapping }: SpanScene): string | null {
  const code = view.ownCode(FIELD.errorCode) ?? view.ownCode(FIELD.vendorErrorCode) ?? view.ownCode(FIELD.errorType);
  if (code === null) return status === 'error' ? 'ERROR' : null;
  return cutChars(mapping.names.clean(code), LIMITS.errorCodeChars);
}

/** A run span without an id names its run by its trace; its events are rows of that run too. */
function eventRun({ kind, identity, span }: SpanScene) {
  return kind === 'run' ? (identity.run ?? { key: span.traceId }) : identity.run;
}

/** Events that agree in both are told apart by what they carry, or their order in the list would decide which row is whose. */
function byTimeAndName(a: SpanEvent, b: SpanEvent): number {
  return (
    a.timeUs - b.timeUs || a.timeNs - b.timeNs || compareText(a.name, b.name) || compareText(contentOf(a), contentOf(b))
  );
}

function contentOf(event: SpanEvent): string {
  return event.attributes
    .map((attribute) => attribute.key.length + attribute.key + typedText(attribute))
    .sort()
    .join();
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
