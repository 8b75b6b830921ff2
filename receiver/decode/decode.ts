/**
 * OTLP request bodies to chunks of spans or log records: the first step of ingest. Both encodings give the same chunks. Decoding is lazy and
 * meant to be interrupted: after any chunk the caller may let the event loop turn.
 */

import { type Envelope, LOG_ENVELOPE, TRACE_ENVELOPE } from './budget.ts';
import { readLogRecord as readLogJson, readSpan as readSpanJson } from './json_records.ts';
import { jsonChunks } from './json_request.ts';
import { type CountSteps, countJsonPoints, countWirePoints } from './metrics.ts';
import type { Encoding, LogChunk, SpanChunk } from './shape.ts';
import { readLogRecord as readLogWire, readSpan as readSpanWire } from './wire_records.ts';
import { wireChunks } from './wire_request.ts';

/**
 * The spans of an ExportTraceServiceRequest.
 *
 * - DecodeError comes before the first record: the whole body is checked first (every range in protobuf, the grammar in JSON).
 * - A chunk holds at most LIMITS.chunkRecords records and broken records together, and fewer when they are large.
 * - A body of more than 4 MiB, or of half a million empty messages, gives chunks without records in between, for the event loop's sake.
 * - All chunks of one ResourceSpans share one resource object, all chunks of one ScopeSpans one scope object.
 * - Of each list the first LIMITS.attributesPerRecord elements (LIMITS.eventsPerSpan events) are kept, and 16,384 values of a record.
 *
 * The body must not change until the last chunk; no chunk refers to it.
 */
export function decodeTraces(body: Uint8Array, encoding: Encoding): Iterable<SpanChunk> {
  const envelope: Envelope = TRACE_ENVELOPE;
  return encoding === 'protobuf' ? wireChunks(body, envelope, readSpanWire) : jsonChunks(body, envelope, readSpanJson);
}

/** The log records of an ExportLogsServiceRequest, under the same rules as spans. */
export function decodeLogs(body: Uint8Array, encoding: Encoding): Iterable<LogChunk> {
  const envelope: Envelope = LOG_ENVELOPE;
  return encoding === 'protobuf' ? wireChunks(body, envelope, readLogWire) : jsonChunks(body, envelope, readLogJson);
}

/**
 * Counts the data points of an ExportMetricsServiceRequest, none of which are kept. Like decoding, it is done in steps between which the
 * event loop may turn; the last one returns the count. Throws DecodeError for a body that is no such request. The body must not change
 * until then.
 */
export function checkMetrics(body: Uint8Array, encoding: Encoding): CountSteps {
  return encoding === 'protobuf' ? countWirePoints(body) : countJsonPoints(body);
}
