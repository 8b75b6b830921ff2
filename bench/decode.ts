/**
 * How fast the decoders are: one realistic request, decoded to our shape, against protobufjs and JSON.parse over the same bytes in the
 * same run. Usage: npx tsx bench/decode.ts [seconds per row]. Only ratios travel between machines.
 */

import { decodeTraces } from '../receiver/decode/decode.ts';
import type { Attribute, Chunk, LogRecord, Span } from '../receiver/decode/shape.ts';
import { ATTR } from '../sdk/attributes.ts';
import { bool, double, int, requestWith, span, TRACE_TYPE, text, traceBody } from '../test/helpers/otlp.ts';

const SPANS = 512;
const STAGES = ['refresh', 'select', 'crawl', 'enrich.llm', 'score', 'export'];
const VENDORS = ['openai', 'anthropic', 'hunter', 'clearbit'];
const MODELS = ['gpt-5.1-mini', 'claude-opus-4-5', '', ''];
const MICROS_PER_SPAN = 250_000;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

/** A vendor call inside an item, as the SDK sends it. */
function vendorCall(index: number): Span {
  const startUs = 1_760_000_000_000_000 + index * MICROS_PER_SPAN;
  const attributes: Attribute[] = [
    text(ATTR.kind, 'vendor_call'),
    int(ATTR.tenantId, 7),
    text(ATTR.runId, '20251009-nightly'),
    text(ATTR.stage, pick(STAGES, index)),
    int(ATTR.itemId, 90_000_000 + index * 17),
    text(ATTR.vendor, pick(VENDORS, index)),
    double(ATTR.costUsd, 0.000_125 * (1 + (index % 40))),
    int(ATTR.tokensInput, 800 + ((index * 37) % 3000)),
    int(ATTR.tokensOutput, 20 + ((index * 11) % 700)),
    bool(ATTR.quotaExhausted, false),
    text('gen_ai.request.model', pick(MODELS, index)),
    text('url.full', `https://api.example.com/v1/companies/${90_000_000 + index * 17}/profile`),
  ];
  return span({
    traceId: hex(0x5f00d + (index >> 8), 32),
    spanId: hex(0x1000_0000 + index * 7919, 16),
    parentSpanId: hex(0x2000_0000 + (index >> 3), 16),
    name: `call ${pick(VENDORS, index)}`,
    kind: 3,
    startUs,
    endUs: startUs + 180_000,
    attributes,
    events:
      index % 8 === 0 ? [{ timeUs: startUs + 50, timeNs: 0, name: 'retry', attributes: [int('attempt', 2)] }] : [],
    statusCode: index % 16 === 0 ? 2 : 0,
    statusMessage: index % 16 === 0 ? 'rate limited' : '',
  });
}

/** Milliseconds per call, the best of many rounds: other work on the machine only ever adds. */
function measure(seconds: number, run: () => number): number {
  const until = performance.now() + seconds * 1000;
  let best = Number.POSITIVE_INFINITY;
  while (performance.now() < until) {
    const start = performance.now();
    if (run() !== SPANS) throw new Error('a decoder lost spans');
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function countSpans(chunks: Iterable<Chunk<Span | LogRecord>>): number {
  let count = 0;
  for (const chunk of chunks) count += chunk.records.length;
  return count;
}

interface Envelope {
  resourceSpans: { scopeSpans: { spans: unknown[] }[] }[];
}
const spansOf = (request: Envelope): number => request.resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0;

function report(name: string, ms: number, bytes: number): void {
  const spansPerSecond = Math.round(SPANS / (ms / 1000));
  const megabytesPerSecond = bytes / 1e6 / (ms / 1000);
  process.stdout.write(
    `${name.padEnd(24)} ${ms.toFixed(3).padStart(8)} ms ${spansPerSecond.toLocaleString('en').padStart(12)} spans/s ${megabytesPerSecond.toFixed(0).padStart(6)} MB/s\n`,
  );
}

const seconds = Number(process.argv[2] ?? 3);
const request = requestWith(...Array.from({ length: SPANS }, (_, index) => vendorCall(index)));
const wire = traceBody(request, 'protobuf');
const json = traceBody(request, 'json');

process.stdout.write(`${SPANS} spans: protobuf ${wire.length} bytes, JSON ${json.length} bytes\n`);
const rows = {
  protobuf: measure(seconds, () => countSpans(decodeTraces(wire, 'protobuf'))),
  protobufjs: measure(seconds, () => spansOf(TRACE_TYPE.decode(wire) as unknown as Envelope)),
  json: measure(seconds, () => countSpans(decodeTraces(json, 'json'))),
  jsonParse: measure(seconds, () => spansOf(JSON.parse(Buffer.from(json).toString('utf8')) as Envelope)),
};
report('protobuf, ours', rows.protobuf, wire.length);
report('protobuf, protobufjs', rows.protobufjs, wire.length);
report('JSON, ours', rows.json, json.length);
report('JSON, JSON.parse', rows.jsonParse, json.length);
process.stdout.write(`protobuf: ${(rows.protobufjs / rows.protobuf).toFixed(2)} x protobufjs (aim: at least 1)\n`);
process.stdout.write(`JSON: ${(rows.jsonParse / rows.json).toFixed(2)} x JSON.parse (aim: at least 0.5)\n`);
