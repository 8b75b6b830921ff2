/**
 * Log records. One that has an event name, or is an error, and names its run becomes an event of that run and adds nothing to
 * counters; records of kind start and heartbeat do what the spans of these kinds do, for languages whose SDK is not ours.
 */

import { createHash } from 'node:crypto';
import { type LogRecord, VALUE_STRING } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { Extra } from './extra.ts';
import { FIELD } from './fields.ts';
import { type Identity, identify } from './identity.ts';
import { addItem } from './item.ts';
import type { Mapping, Outcome } from './mapping.ts';
import { mapStartMarker } from './marker.ts';
import { blankRow, type EventRow, type RefusalReason, SEQ_LOG } from './row.ts';
import { stageName } from './stage.ts';
import { statedStatus } from './status.ts';
import { cleanText, cutChars } from './text.ts';
import { plausibleUs, refuseTime } from './time.ts';
import { entriesText, measured, typedText } from './typed_text.ts';
import type { View } from './view.ts';

const SEVERITY_ERROR = 17;

export function mapLog(record: LogRecord, view: View, mapping: Mapping): Outcome {
  const { out } = mapping;
  const kind = view.getOwn(FIELD.kind);
  const stated = kind?.type === VALUE_STRING ? kind.value : '';
  const eventName = record.eventName !== '' ? record.eventName : (view.ownText(FIELD.legacyEventName) ?? '');
  const isSignal = stated === 'start' || stated === 'heartbeat';
  const none: Outcome = { kind: isSignal ? stated : 'other', refused: null, message: null };

  if (view.get(FIELD.run) === undefined && !(stated === 'start' && record.traceId !== '')) return other(none, mapping);
  if (!isSignal && eventName === '' && record.severity < SEVERITY_ERROR) return other(none, mapping);

  const refuse = (reason: RefusalReason, tenantId: number, message: string): Outcome => {
    out.refusals.push({ tenantId, reason, message });
    return { kind: isSignal ? stated : 'log', refused: reason, message };
  };
  const identity = identify(view, mapping);
  if ('refused' in identity) return refuse(identity.refused, identity.tenantId, identity.message);
  if (identity.tenantId === 0 && record.traceId === '' && stated !== 'heartbeat') {
    return refuse('no_tenant', 0, 'a log record outside of a trace needs its tenant: set runledger.tenant.id');
  }
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
  row.stage = stageName(view.text(FIELD.stage), mapping);
  row.event = cutChars(mapping.names.clean(eventName === '' ? 'log' : eventName), LIMITS.eventChars);
  row.status = statedStatus(view) ?? (isError ? 'error' : 'ok');
  row.traceId = record.traceId;
  const code =
    view.ownCode(FIELD.errorCode) ??
    view.ownCode(FIELD.vendorErrorCode) ??
    view.ownCode(FIELD.errorType) ??
    view.ownCode(FIELD.exceptionType);
  if (code !== null) row.errorCode = cutChars(mapping.names.clean(code), LIMITS.errorCodeChars);
  else if (row.status === 'error') row.errorCode = 'ERROR';

  const extra = new Extra(mapping.redact);
  for (const mark of identity.marks) extra.mark(mark);
  addItem(row, view, mapping, extra);
  if (isError && record.body.type === VALUE_STRING && record.body.value !== '') {
    extra.text('message', cutChars(mapping.redact(cleanText(record.body.value)), LIMITS.messageChars));
  }
  row.extra = extra.finish(view.own);
  return row;
}

/** log.record.uid hashed, else a hash of what the record says: two identical records are one event. */
function logSpanId(record: LogRecord, view: View, mapping: Mapping): string {
  const hash = createHash('sha256');
  const uid = view.ownText(FIELD.logUid);
  if (uid !== null) return hash.update(`uid:${uid}`).digest('hex').slice(0, 16);
  const redact = mapping.redactIdentity;
  const parts = [
    record.traceId,
    record.spanId,
    `${record.timeUs}.${record.timeNs}`,
    redact(record.eventName),
    String(record.severity),
    typedText(record.body, redact),
    entriesText(record.attributes, redact),
  ];
  return hash
    .update(parts.map((part) => measured('', part)).join(''))
    .digest('hex')
    .slice(0, 16);
}

function other(outcome: Outcome, { out }: Mapping): Outcome {
  out.otherSpans++;
  return outcome;
}
