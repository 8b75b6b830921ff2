/**
 * Log records. One that has an event name, or is an error, and names its run becomes an event of that run and adds nothing to
 * counters; records of kind start and heartbeat do what the spans of these kinds do, for languages whose SDK is not ours.
 */

import { createHash } from 'node:crypto';
import { type LogRecord, VALUE_ARRAY, VALUE_BYTES, VALUE_KVLIST, VALUE_STRING, type Value } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { Extra } from './extra.ts';
import { type Identity, identify } from './identity.ts';
import { nameItem } from './ids.ts';
import type { Mapping, Outcome } from './mapping.ts';
import { mapStartMarker } from './marker.ts';
import { blankRow, type EventRow, type RefusalReason, SEQ_LOG } from './row.ts';
import { stageName } from './stage.ts';
import { statedStatus } from './status.ts';
import { cleanText, cutChars } from './text.ts';
import { plausibleUs, refuseTime } from './time.ts';
import type { View } from './view.ts';

const SEVERITY_ERROR = 17;

export function mapLog(record: LogRecord, view: View, mapping: Mapping): Outcome {
  const { out } = mapping;
  const kind = view.getOwn('kind');
  const stated = kind?.type === VALUE_STRING ? kind.value : '';
  const eventName = record.eventName !== '' ? record.eventName : (ownText(view, 'legacyEventName') ?? '');
  const isSignal = stated === 'start' || stated === 'heartbeat';
  const none: Outcome = { kind: isSignal ? stated : 'other', refused: null, message: null };

  if (view.get('run') === undefined && !(stated === 'start' && record.traceId !== '')) return other(none, mapping);
  if (!isSignal && eventName === '' && record.severity < SEVERITY_ERROR) return other(none, mapping);

  const refuse = (reason: RefusalReason, tenantId: number, message: string): Outcome => {
    out.refusals.push({ tenantId, reason, message });
    return { kind: isSignal ? stated : 'log', refused: reason, message };
  };
  const identity = identify(view, mapping);
  if ('refused' in identity) return refuse(identity.refused, identity.tenantId, identity.message);
  if (stated === 'start') {
    return mapStartMarker({ span: record, view, mapping, identity }) ?? none;
  }

  const tsUs = plausibleUs(record.timeUs) || plausibleUs(record.observedUs);
  const badTime = refuseTime(tsUs, mapping);
  if (badTime !== null) return refuse(badTime, identity.tenantId, `the record's time is not usable: ${badTime}`);
  if (stated === 'heartbeat') {
    if (identity.run === null || identity.tenantId === 0) return other(none, mapping);
    out.heartbeats.push({ tenantId: identity.tenantId, run: identity.run, tsUs });
    return none;
  }
  if (identity.tenantId === 0 && record.traceId === '') {
    return refuse('no_tenant', 0, 'a log record outside of a trace needs its tenant: set runledger.tenant.id');
  }
  out.rows.push(logRow(record, view, mapping, identity, eventName, tsUs));
  return { kind: 'log', refused: null, message: null };
}

function logRow(
  record: LogRecord,
  view: View,
  mapping: Mapping,
  identity: Identity,
  eventName: string,
  tsUs: number,
): EventRow {
  const row = blankRow(identity.tenantId, identity.run);
  const isError = record.severity >= SEVERITY_ERROR;
  row.tsUs = tsUs;
  row.spanId = logSpanId(record, view, mapping);
  row.seq = SEQ_LOG;
  row.kind = 'log';
  row.stage = stageName(view.text('stage'), mapping);
  row.event = cutChars(mapping.cleanName(eventName === '' ? 'log' : eventName), LIMITS.eventChars);
  row.status = statedStatus(view) ?? (isError ? 'error' : 'ok');
  row.traceId = record.traceId;
  const code =
    view.ownCode('errorCode') ??
    view.ownCode('vendorErrorCode') ??
    view.ownCode('errorType') ??
    view.ownCode('exceptionType');
  if (code !== null) row.errorCode = cutChars(mapping.cleanName(code), LIMITS.errorCodeChars);
  else if (row.status === 'error') row.errorCode = 'ERROR';

  const extra = new Extra(mapping.redact);
  for (const mark of identity.marks) extra.mark(mark);
  const item = view.get('item');
  if (item !== undefined) {
    const named = nameItem(item, identity.tenantId, mapping.redact);
    row.companyId = named?.id ?? null;
    if (named?.text != null) extra.text('item_id', named.text);
  }
  if (isError && record.body.type === VALUE_STRING && record.body.value !== '') {
    extra.text('message', cutChars(mapping.redact(cleanText(record.body.value)), LIMITS.messageChars));
  }
  extra.attributes(view.own.rest);
  row.extra = extra.finish();
  return row;
}

/** log.record.uid hashed, else a hash of what the record says: two identical records are one event. */
function logSpanId(record: LogRecord, view: View, mapping: Mapping): string {
  const hash = createHash('sha256');
  const uid = ownText(view, 'logUid');
  if (uid !== null) return hash.update(`uid:${uid}`).digest('hex').slice(0, 16);
  const parts = [
    record.traceId,
    record.spanId,
    `${record.timeUs}.${record.timeNs}`,
    record.eventName,
    String(record.severity),
    typedText(record.body, mapping),
    ...record.attributes.map((attribute) => `${attribute.key}=${typedText(attribute, mapping)}`).sort(),
  ];
  return hash
    .update(parts.map((part) => `${part.length}:${part}`).join(''))
    .digest('hex')
    .slice(0, 16);
}

/** The value with its type, after privacy: an int 5 and a text "5" differ. */
function typedText(value: Value, mapping: Mapping): string {
  if (value.type === VALUE_STRING) return `s${mapping.redact(value.value)}`;
  if (value.type === VALUE_BYTES) return `b${Buffer.from(value.value).toString('base64')}`;
  if (value.type === VALUE_ARRAY) return `[${value.value.map((element) => typedText(element, mapping)).join()}]`;
  if (value.type === VALUE_KVLIST) {
    return `{${value.value
      .map((entry) => `${entry.key}=${typedText(entry, mapping)}`)
      .sort()
      .join()}}`;
  }
  return `${value.type}:${String(value.value)}`;
}

function ownText(view: View, field: Parameters<View['getOwn']>[0]): string | null {
  const value = view.getOwn(field);
  return value?.type === VALUE_STRING ? cleanText(value.value) : null;
}

function other(outcome: Outcome, { out }: Mapping): Outcome {
  out.otherSpans++;
  return outcome;
}
