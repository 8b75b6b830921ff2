/**
 * Signs of life: spans reach the receiver only when they end, so a run and a stage announce their start with a marker that ends at once,
 * and an open run sends a heartbeat every minute.
 */

import { type Attributes, type HrTime, SpanKind } from '@opentelemetry/api';
import { ATTR } from './attributes.ts';
import { quietly } from './health.ts';
import type { OpenSpan } from './open_span.ts';
import { startSpan } from './start_span.ts';

const HEARTBEAT_MS = 60_000;

/**
 * Sends the marker of `subject`. It names the subject's span id and exact start, so that the receiver makes the same row of both. A
 * provider that does not tell a span's start gets no markers.
 */
export function sendStartMarker(subject: OpenSpan, kind: 'run' | 'stage', name: string, facts: Attributes = {}): void {
  if (!subject.recorded) return;
  quietly(() => {
    const startNano = startUnixNano(subject);
    if (startNano === null) return;
    const attributes: Attributes = {
      ...facts,
      ...placeAttributes(subject, 'start'),
      [ATTR.subjectKind]: kind,
      [ATTR.subjectSpanId]: subject.span.spanContext().spanId,
      [ATTR.subjectStartUnixNano]: startNano,
      [ATTR.subjectRoot]: kind === 'run',
    };
    emit(subject, `${name} start`, attributes);
  });
}

/** Sends a heartbeat every 60 s until the returned function is called. The timer does not keep the process alive. */
export function startHeartbeat(run: OpenSpan): () => void {
  if (!run.recorded) return () => undefined;
  const timer = setInterval(
    () => quietly(() => emit(run, 'heartbeat', placeAttributes(run, 'heartbeat'))),
    HEARTBEAT_MS,
  );
  timer.unref();
  return () => clearInterval(timer);
}

function emit(owner: OpenSpan, name: string, attributes: Attributes): void {
  const { tracer, clock } = owner.frame.run;
  const at = clock?.now();
  startSpan(tracer, { name, kind: SpanKind.INTERNAL, attributes, parent: owner.context, at }).end(at);
}

function placeAttributes(owner: OpenSpan, kind: 'start' | 'heartbeat'): Attributes {
  const { run, stage } = owner.frame;
  const attributes: Attributes = {
    [ATTR.kind]: kind,
    [ATTR.tenantId]: run.tenant,
    [ATTR.runId]: run.id,
    [ATTR.pipeline]: run.pipeline,
  };
  if (stage !== null) attributes[ATTR.stage] = stage.name;
  return attributes;
}

/** The start as it will be exported, from the SDK's span object: [seconds, nanoseconds]. */
function startUnixNano(owner: OpenSpan): string | null {
  const start = (owner.span as { startTime?: HrTime }).startTime;
  if (!Array.isArray(start)) return null;
  return (BigInt(start[0]) * 1_000_000_000n + BigInt(start[1])).toString();
}
