/** The thread of the last flush: sends the spans it was given through the exporter that the environment names, then wakes its maker. */

import { workerData } from 'node:worker_threads';
import type { core, tracing } from '@opentelemetry/sdk-node';
import { makeOtlpExporter } from './exporters.ts';
import type { LastFlushData, PlainSpan } from './last_flush.ts';
import { loadSdkNode } from './packages.ts';

const SPANS_PER_REQUEST = 2_048;

const { spans, destination, shared } = workerData as LastFlushData;
const words = new Int32Array(shared);

try {
  await sendAll();
} finally {
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
}

async function sendAll(): Promise<void> {
  const exporter = makeOtlpExporter(destination);
  const resource = loadSdkNode().resources.resourceFromAttributes(spans[0]?.resourceAttributes ?? {});
  for (let at = 0; at < spans.length; at += SPANS_PER_REQUEST) {
    const part = spans.slice(at, at + SPANS_PER_REQUEST).map((span) => toReadable(span, resource));
    const result = await new Promise<core.ExportResult>((resolve) => exporter.export(part, resolve));
    if (result.code === 0) Atomics.add(words, 1, part.length);
  }
}

function toReadable(
  { ids, resourceAttributes: _, ...span }: PlainSpan,
  resource: tracing.ReadableSpan['resource'],
): tracing.ReadableSpan {
  return { ...span, resource, spanContext: () => ids };
}
