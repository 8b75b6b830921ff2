/**
 * What mapping costs beside decoding: one realistic request of vendor calls, items and stages, decoded and then mapped, both in one run, so
 * that only the ratio matters. Usage: npx tsx bench/map.ts [seconds per row].
 */

import { decodeTraces } from '../receiver/decode/decode.ts';
import type { Attribute, Span, SpanChunk } from '../receiver/decode/shape.ts';
import { createMapper } from '../receiver/map/map.ts';
import type { Snapshot, Vendor } from '../receiver/map/snapshot.ts';
import { ATTR } from '../sdk/attributes.ts';
import { double, int, requestWith, span, text, traceBody } from '../test/helpers/otlp.ts';

const SPANS = 512;
const START_US = 1_760_000_000_000_000;
const STAGES = ['refresh', 'select', 'crawl', 'enrich.llm', 'score', 'export'];
const VENDORS = ['openai', 'anthropic', 'hunter', 'tavily'];

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

/** Ten attributes a span: what every span names, and what its kind adds. */
function attributesOf(index: number): Attribute[] {
  const place = [
    int(ATTR.tenantId, 7),
    text(ATTR.runId, '20251009-nightly'),
    text(ATTR.pipeline, 'enrichment'),
    text(ATTR.stage, pick(STAGES, index >> 4)),
    int(ATTR.itemId, 90_000_000 + index * 17),
  ];
  if (index % 4 === 3) {
    const facts = [text(ATTR.itemBucket, 'high'), text('company.domain', `c${index}.example`), int('attempt', 1)];
    return [text(ATTR.kind, 'item'), ...place, ...facts, text('crawl.depth', 'shallow')];
  }
  return [
    text(ATTR.kind, 'vendor_call'),
    ...place,
    text(ATTR.vendor, pick(VENDORS, index)),
    double(ATTR.costUsd, 0.000_125 * (1 + (index % 40))),
    int(ATTR.tokensInput, 800 + ((index * 37) % 3000)),
    int(ATTR.tokensOutput, 20 + ((index * 11) % 700)),
  ];
}

function spanAt(index: number): Span {
  const startUs = START_US + index * 250_000;
  return span({
    traceId: hex(0x5f00d + (index >> 8), 32),
    spanId: hex(0x1000_0000 + index * 7919, 16),
    parentSpanId: hex(0x2000_0000 + (index >> 3), 16),
    name: index % 4 === 3 ? `item ${index}` : `call ${pick(VENDORS, index)}`,
    kind: 3,
    startUs,
    endUs: startUs + 180_000,
    attributes: attributesOf(index),
    statusCode: index % 16 === 0 ? 2 : 0,
    statusMessage: index % 16 === 0 ? 'rate limited' : '',
  });
}

const vendors = VENDORS.map((name, index): Vendor => ({ name, countHttp: index > 1 }));
const snapshot: Snapshot = {
  tenantIdByName: new Map(),
  activeTenantIds: new Set([7]),
  disabledTenantIds: new Set(),
  vendorByAlias: new Map(vendors.map((vendor) => [vendor.name, vendor])),
  vendorByHost: new Map(vendors.map((vendor) => [`api.${vendor.name}.com`, vendor])),
  prices: [],
  linkHosts: new Set(),
  attributeAliases: new Map(),
  privacyKey: new Uint8Array(32).fill(1),
  retentionFloorUs: 0,
};

/** Milliseconds per call, the best of many rounds: other work on the machine only ever adds. */
function measure(seconds: number, run: () => number): number {
  const until = performance.now() + seconds * 1000;
  let best = Number.POSITIVE_INFINITY;
  while (performance.now() < until) {
    const start = performance.now();
    if (run() !== SPANS) throw new Error('spans were lost');
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function report(name: string, ms: number): void {
  const perSecond = Math.round(SPANS / (ms / 1000)).toLocaleString('en');
  process.stdout.write(`${name.padEnd(12)} ${ms.toFixed(3).padStart(8)} ms ${perSecond.padStart(12)} spans/s\n`);
}

const seconds = Number(process.argv[2] ?? 3);
const body = traceBody(requestWith(...Array.from({ length: SPANS }, (_, index) => spanAt(index))), 'protobuf');
const decode = (): SpanChunk[] => [...decodeTraces(body, 'protobuf')];
const chunks = decode();
const mapper = createMapper(snapshot);
const map = (): number => {
  let rows = 0;
  for (const chunk of chunks) {
    rows += mapper.spans(chunk, { kind: 'tenant', tenantId: 7 }, START_US + 3_600_000_000).rows.length;
  }
  return rows;
};

const decodeMs = measure(seconds, () => decode().reduce((sum, chunk) => sum + chunk.records.length, 0));
const mapMs = measure(seconds, map);
report('decode', decodeMs);
report('map', mapMs);
process.stdout.write(`map / decode: ${(mapMs / decodeMs).toFixed(2)} (aim: at most 1)\n`);
