/** Span events that make rows: `retry`, `fallback`, and any that states runledger.status. */

import type { Span, SpanEvent } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { Extra } from './extra.ts';
import { nameItem } from './ids.ts';
import type { Layers } from './layer.ts';
import { blankRow, SEQ_FIRST_EVENT } from './row.ts';
import type { SpanScene } from './scene.ts';
import { stageName } from './stage.ts';
import { statedStatus } from './status.ts';
import { cutChars } from './text.ts';
import { plausibleUs, refuseTime } from './time.ts';
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

  const timeUs = plausibleUs(event.timeUs);
  const tsUs = timeUs !== 0 && refuseTime(timeUs, mapping) === null ? timeUs : scene.tsUs;
  const row = blankRow(identity.tenantId, eventRun(scene));
  row.tsUs = tsUs;
  row.spanId = span.spanId;
  row.seq = seq;
  row.kind = 'event';
  row.stage = view.getOwn('stage') === undefined ? scene.stage : stageName(view.text('stage'), mapping);
  row.event = cutChars(mapping.cleanName(event.name) || 'event', LIMITS.eventChars);
  row.status = stated ?? (event.name === 'retry' ? 'retry' : 'ok');
  row.traceId = span.traceId;
  row.errorCode = eventErrorCode(view, row.status, scene);
  const extra = new Extra(mapping.redact);
  const item = view.get('item') ?? scene.view.get('item');
  if (item !== undefined) {
    const named = nameItem(item, identity.tenantId, mapping.redact);
    row.companyId = named?.id ?? null;
    if (named?.text != null) extra.text('item_id', named.text);
  }
  extra.attributes(own.rest);
  row.extra = extra.finish();
  mapping.out.rows.push(row);
}

function eventErrorCode(view: View, status: string, { mapping }: SpanScene): string | null {
  const code = view.ownCode('errorCode') ?? view.ownCode('vendorErrorCode') ?? view.ownCode('errorType');
  if (code === null) return status === 'error' ? 'ERROR' : null;
  return cutChars(mapping.cleanName(code), LIMITS.errorCodeChars);
}

/** A run span without an id names its run by its trace; its events are rows of that run too. */
function eventRun({ kind, identity, span }: SpanScene) {
  return kind === 'run' ? (identity.run ?? { key: span.traceId }) : identity.run;
}

function byTimeAndName(a: Span['events'][number], b: Span['events'][number]): number {
  return a.timeUs - b.timeUs || a.timeNs - b.timeNs || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
