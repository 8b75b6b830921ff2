/** Captured OTLP that commands on pages name: a night's spans, and the same with what a ledger leaves out or refuses. */

import type { Span } from '../../receiver/decode/shape.ts';
import { ATTR } from '../../sdk/attributes.ts';
import { int, requestWith, span, text, traceBody } from './otlp.ts';

export function capturedRequests(): { good: Uint8Array; odd: Uint8Array } {
  const startUs = Date.now() * 1000 - 3_600_000_000;
  const made = (number: number, name: string, attributes: Span['attributes'], more: Partial<Span> = {}): Span =>
    span({
      traceId: 'c0ffee00'.repeat(4),
      spanId: number.toString(16).padStart(16, '0'),
      ...(number === 1 ? {} : { parentSpanId: '1'.padStart(16, '0') }),
      name,
      startUs: startUs + number * 1_000_000,
      endUs: startUs + 60_000_000,
      attributes,
      ...more,
    });
  const of = (kind: string, tenant = 7) => [
    text(ATTR.kind, kind),
    int(ATTR.tenantId, tenant),
    text(ATTR.runId, '4720'),
    ...(kind === 'run' ? [text(ATTR.pipeline, 'nightly')] : [text(ATTR.stage, 'crawl')]),
  ];
  const night = [
    made(1, 'nightly', of('run')),
    made(2, 'crawl', of('stage')),
    made(3, 'company 12', [...of('item'), int(ATTR.itemId, 12)], { statusCode: 2 }),
  ];
  const odd = [made(4, 'internal work', []), made(5, 'another tenant', [...of('item', 8), int(ATTR.itemId, 1)])];
  return { good: traceBody(requestWith(...night), 'json'), odd: traceBody(requestWith(...night, ...odd), 'json') };
}
