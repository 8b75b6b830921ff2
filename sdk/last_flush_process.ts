/**
 * The child process of the last flush: reads spans from standard input, sends them through the exporter that the environment names, and
 * prints after each request how many were acknowledged so far, and how many of those were refused.
 */

import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import type { core, tracing } from '@opentelemetry/sdk-node';
import { makeOtlpExporter } from './exporters.ts';
import type { LastFlushData, PlainSpan } from './last_flush.ts';
import { loadSdkNode } from './packages.ts';
import { hearRefusals } from './refusals.ts';

const SPANS_PER_REQUEST = 2_048;
const STANDARD_INPUT = 0;

const { spans, destination } = deserialize(readFileSync(STANDARD_INPUT)) as LastFlushData;
const exporter = makeOtlpExporter(destination);
const resource = loadSdkNode().resources.resourceFromAttributes(spans[0]?.resourceAttributes ?? {});
const takeRefused = hearRefusals(exporter);
let acknowledged = 0;
let refused = 0;
for (let at = 0; at < spans.length; at += SPANS_PER_REQUEST) {
  const part = spans.slice(at, at + SPANS_PER_REQUEST).map(toReadable);
  const result = await new Promise<core.ExportResult>((resolve) => exporter.export(part, resolve));
  refused += Math.min(takeRefused()?.spans ?? 0, part.length);
  if (result.code === 0) acknowledged += part.length;
  process.stdout.write(`${acknowledged} ${refused}\n`);
}

function toReadable({ ids, resourceAttributes: _, ...span }: PlainSpan): tracing.ReadableSpan {
  return { ...span, resource, spanContext: () => ids };
}
