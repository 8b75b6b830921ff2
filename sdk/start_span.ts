/** Starts spans without ever throwing, and tells whether they will reach a receiver. */

import {
  type Attributes,
  type Context,
  type HrTime,
  INVALID_SPAN_CONTEXT,
  type Link,
  type Span,
  SpanKind,
  type SpanOptions,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { health, noteInternalError, warnOnce } from './health.ts';

export interface SpanStart {
  name: string;
  kind?: SpanKind;
  attributes: Attributes;
  parent: Context;
  /** Start by the clock of its run; default: now. */
  at?: HrTime | undefined;
  /** The span begins a trace of its own. */
  root?: boolean;
  links?: Link[];
}

/** Starts a span, or hands out one that does nothing when OpenTelemetry fails. */
export function startSpan(tracer: Tracer, start: SpanStart): Span {
  try {
    const options: SpanOptions = { kind: start.kind ?? SpanKind.INTERNAL, attributes: start.attributes };
    if (start.at !== undefined) options.startTime = start.at;
    if (start.root === true) options.root = true;
    if (start.links !== undefined) options.links = start.links;
    return tracer.startSpan(start.name, options, start.parent);
  } catch (error) {
    noteInternalError(error);
    return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  }
}

/** True when the span will be exported. Warns once when there is no provider, or one that samples our spans away. */
export function isRecorded(span: Span): boolean {
  try {
    const { traceFlags, traceId } = span.spanContext();
    if (span.isRecording() && (traceFlags & TraceFlags.SAMPLED) !== 0) return true;
    if (traceId === INVALID_SPAN_CONTEXT.traceId) {
      warnOnce('NO_PROVIDER', 'no OpenTelemetry provider is registered, so nothing is recorded: call setup() first.');
    } else {
      health.droppedUnsampled++;
      warnOnce(
        'SAMPLED',
        'the registered OpenTelemetry provider samples spans of runs away, so the ledger stays incomplete: use runledgerSampler() or setup().',
      );
    }
  } catch (error) {
    noteInternalError(error);
  }
  return false;
}
