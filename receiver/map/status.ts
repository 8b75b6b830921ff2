/** How a span went: ok, error, skip or retry, and its error code. */

import { EVENT_STATUSES, type EventStatus } from '../../sdk/attributes.ts';
import { type Span, VALUE_STRING } from '../decode/shape.ts';
import { LIMITS } from '../limits.ts';
import { FIELD } from './fields.ts';
import type { Mapping } from './mapping.ts';
import { asInteger } from './number.ts';
import { cutChars } from './text.ts';
import type { View } from './view.ts';

const STATUS_CODE_ERROR = 2;
const CODE_FIELDS = [FIELD.errorCode, FIELD.vendorErrorCode, FIELD.errorType];
const STATUSES: ReadonlySet<string> = new Set(EVENT_STATUSES);

/** `runledger.status`, or null where it is absent or none of ours. */
export function statedStatus(view: View): EventStatus | null {
  const value = view.getOwn(FIELD.status);
  return value?.type === VALUE_STRING && STATUSES.has(value.value) ? (value.value as EventStatus) : null;
}

/** Of a stage or an item: what it states (a unit is never "retry"), else the span's status, else its CI/CD result. */
export function spanStatus(span: Span, view: View): EventStatus {
  const stated = statedStatus(view);
  if (stated !== null && stated !== 'retry') return stated;
  if (span.statusCode === STATUS_CODE_ERROR) return 'error';
  const result = view.getOwn(FIELD.taskResult);
  if (result?.type === VALUE_STRING) {
    if (result.value === 'skip') return 'skip';
    if (result.value === 'failure' || result.value === 'error' || result.value === 'timeout') return 'error';
  }
  return 'ok';
}

/** Of a vendor call: an HTTP status of 400 and above is a failure too, whatever the span's status says. */
export function callStatus(span: Span, view: View, httpStatus: number | null): EventStatus {
  const stated = statedStatus(view);
  if (stated !== null) return stated;
  return span.statusCode === STATUS_CODE_ERROR || (httpStatus !== null && httpStatus >= 400) ? 'error' : 'ok';
}

export function httpStatusOf(view: View): number | null {
  const value = view.getOwn(FIELD.httpStatus);
  const status = value === undefined ? null : asInteger(value);
  return status !== null && status >= 100 && status <= 599 ? status : null;
}

/** Whether one of the codes that the span itself states has this meaning; a call's own code may hide the vendor's. */
export function statesCode(view: View, meaning: ReadonlySet<string>): boolean {
  for (const slot of CODE_FIELDS) {
    const code = view.ownCode(slot);
    if (code !== null && meaning.has(code.toLowerCase())) return true;
  }
  return false;
}

/** In order: ours; the vendor's own; HTTP_<status>; error.type; the last exception's type; ERROR. At most 64 characters. */
export function errorCodeOf(span: Span, view: View, mapping: Mapping): string {
  const status = httpStatusOf(view);
  const code =
    view.ownCode(FIELD.errorCode) ??
    view.ownCode(FIELD.vendorErrorCode) ??
    (status !== null && status >= 400 ? `HTTP_${status}` : null) ??
    view.ownCode(FIELD.errorType) ??
    lastExceptionType(span) ??
    'ERROR';
  return cutChars(mapping.names.clean(code), LIMITS.errorCodeChars);
}

function lastExceptionType(span: Span): string | null {
  let type: string | null = null;
  let atUs = -1;
  for (const event of span.events) {
    if (event.name !== 'exception' || event.timeUs < atUs) continue;
    for (const attribute of event.attributes) {
      if (attribute.key === 'exception.type' && attribute.type === VALUE_STRING && attribute.value !== '') {
        type = attribute.value;
        atUs = event.timeUs;
      }
    }
  }
  return type;
}
