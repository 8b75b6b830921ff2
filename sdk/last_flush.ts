/**
 * The last flush: sends what is left while the process is about to end and can no longer wait for promises. A thread sends; this thread
 * sleeps until it is done or the time is up.
 */

import { Worker } from 'node:worker_threads';
import type { tracing } from '@opentelemetry/sdk-node';
import type { Destination } from './exporters.ts';
import { health, noteInternalError, warnOnce } from './health.ts';

/** A finished span as plain data that can cross to another thread. */
export interface PlainSpan extends Omit<tracing.ReadableSpan, 'spanContext' | 'resource'> {
  ids: { traceId: string; spanId: string; traceFlags: number };
  resourceAttributes: tracing.ReadableSpan['resource']['attributes'];
}

export interface LastFlushData {
  spans: PlainSpan[];
  destination: Destination;
  /** Two 32-bit words: 1 when done, and how many spans were acknowledged. */
  shared: SharedArrayBuffer;
}

/** Sends `spans` and blocks until they are acknowledged or `timeoutMs` have passed. Never throws. */
export function sendBlocking(spans: tracing.ReadableSpan[], destination: Destination, timeoutMs: number): void {
  if (spans.length === 0) return;
  let sent = 0;
  try {
    const shared = new SharedArrayBuffer(8);
    const words = new Int32Array(shared);
    const data: LastFlushData = { spans: spans.map(toPlain), destination, shared };
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./last_flush_thread.${extension}`, import.meta.url), { workerData: data });
    worker.on('error', noteInternalError);
    worker.unref();
    Atomics.wait(words, 0, 0, timeoutMs);
    sent = Atomics.load(words, 1);
  } catch (error) {
    noteInternalError(error);
  }
  health.exported += sent;
  const lost = spans.length - sent;
  if (lost === 0) return;
  health.droppedNotAccepted += lost;
  warnOnce('LAST_FLUSH', `${lost} of ${spans.length} spans could not be sent before the process ended.`);
}

function toPlain(span: tracing.ReadableSpan): PlainSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const parent = span.parentSpanContext;
  const plain: PlainSpan = {
    name: span.name,
    kind: span.kind,
    ids: { traceId, spanId, traceFlags },
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    status: span.status,
    attributes: span.attributes,
    links: span.links.map((link) => ({ ...link, context: withoutState(link.context) })),
    events: span.events,
    resourceAttributes: span.resource.attributes,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
  return parent === undefined ? plain : { ...plain, parentSpanContext: withoutState(parent) };
}

/** Trace state is an object with methods, which cannot cross. */
function withoutState<T extends { traceId: string; spanId: string; traceFlags: number }>(context: T) {
  return { traceId: context.traceId, spanId: context.spanId, traceFlags: context.traceFlags };
}
