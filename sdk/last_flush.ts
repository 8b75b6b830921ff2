/**
 * The last flush: sends what is left while the process is about to end and can no longer wait for promises. A child process sends; this
 * one blocks until it is done or the time is up. (A thread would do, but where a module loader such as tsx is active it cannot load its
 * code while the main thread is blocked.)
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import type { tracing } from '@opentelemetry/sdk-node';
import { childEnvironment } from './environment.ts';
import type { Destination } from './exporters.ts';
import { health, noteInternalError, warnAtExit } from './health.ts';

/** A finished span as plain data that can cross to another process. */
export interface PlainSpan extends Omit<tracing.ReadableSpan, 'spanContext' | 'resource'> {
  ids: { traceId: string; spanId: string; traceFlags: number };
  resourceAttributes: tracing.ReadableSpan['resource']['attributes'];
}

/** What the child reads from its standard input, by `v8.serialize`; it prints how many spans were acknowledged and how many of those refused. */
export interface LastFlushData {
  spans: PlainSpan[];
  destination: Destination;
}

/** Sends `spans` and blocks until they are acknowledged or `timeoutMs` have passed. Never throws. */
export function sendBlocking(spans: tracing.ReadableSpan[], destination: Destination, timeoutMs: number): void {
  if (spans.length === 0) return;
  let told: Told = { acknowledged: 0, refused: 0 };
  try {
    const data: LastFlushData = { spans: spans.map(toPlain), destination };
    told = runChild(serialize(data), timeoutMs);
  } catch (error) {
    noteInternalError(error);
  }
  const { acknowledged, refused } = told;
  const lost = spans.length - acknowledged;
  health.exported += acknowledged - refused;
  health.droppedNotAccepted += lost + refused;
  if (lost > 0) warnAtExit(`${lost} of ${spans.length} spans could not be sent before the process ended.`);
  if (refused > 0) warnAtExit(`${refused} of ${spans.length} spans were refused by the receiver; its log says why.`);
}

interface Told {
  acknowledged: number;
  refused: number;
}

function runChild(input: Buffer, timeoutMs: number): Told {
  const fromSource = import.meta.url.endsWith('.ts');
  const program = fileURLToPath(new URL(`./last_flush_process.${fromSource ? 'ts' : 'js'}`, import.meta.url));
  // Compiled code needs none of this process's loaders, inspectors and the like; source needs its loader.
  const flags = fromSource ? process.execArgv.filter((flag) => !flag.startsWith('--inspect')) : [];
  const child = spawnSync(process.execPath, [...flags, program], {
    input,
    env: childEnvironment(!fromSource),
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'ignore'],
    windowsHide: true,
  });
  // A child that was stopped half-way has printed what it had sent by then.
  const lines = child.stdout?.toString().trim().split('\n') ?? [];
  const [acknowledged = 0, refused = 0] = (lines.at(-1) ?? '').split(' ').map((count) => Number(count) || 0);
  return { acknowledged, refused };
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
