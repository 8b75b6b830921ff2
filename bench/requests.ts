/** The load of the ingest benchmarks: requests of a nightly enrichment, mostly items and vendor calls, about ten attributes a span. */

import { randomBytes } from 'node:crypto';
import type { Span } from '../receiver/decode/shape.ts';
import { double, int, type RequestModel, span, text, traceBody } from '../test/helpers/otlp.ts';

export const RUNS = 5;

/** Bodies of `count` protobuf requests of `spansEach` spans, spread over five runs of two tenants. */
export function makeRequests(count: number, spansEach: number): Uint8Array[] {
  const startUs = Date.now() * 1000 - 3_600_000_000;
  return Array.from({ length: count }, (_, index) => {
    const traceId = randomBytes(16).toString('hex');
    const records = Array.from({ length: spansEach }, (_, i) =>
      makeSpan(traceId, index, i, startUs + index * 10_000 + i * 17),
    );
    const request: RequestModel<Span> = [
      {
        resource: {
          attributes: [
            text('service.name', 'nightly'),
            text('service.version', '4.2.0'),
            text('deployment.environment.name', 'production'),
          ],
        },
        scopes: [{ scope: { name: 'runledger', version: '0.1.0', attributes: [] }, records }],
      },
    ];
    return traceBody(request, 'protobuf');
  });
}

function makeSpan(traceId: string, request: number, i: number, startUs: number): Span {
  const run = request % RUNS;
  const common = [
    int('runledger.tenant.id', 1 + (run % 2)),
    text('runledger.run.id', String(1000 + run)),
    text('runledger.stage', ['crawl', 'verify_emails', 'score'][i % 3] as string),
    int('runledger.item.id', request * 1000 + i),
  ];
  const times = { startUs, endUs: startUs + 120_000 + i, startNs: 123, endNs: 456 };
  const ids = { traceId, spanId: randomBytes(8).toString('hex'), parentSpanId: 'aaaaaaaaaaaaaaaa' };
  if (i % 3 === 2) {
    return span({
      ...ids,
      ...times,
      name: 'chat gpt-4o-mini',
      kind: 3,
      attributes: [
        ...common,
        text('runledger.kind', 'vendor_call'),
        text('runledger.vendor', 'openai'),
        text('gen_ai.operation.name', 'chat'),
        text('gen_ai.request.model', 'gpt-4o-mini'),
        int('gen_ai.usage.input_tokens', 900 + i),
        int('gen_ai.usage.output_tokens', 120),
        int('http.response.status_code', 200),
      ],
    });
  }
  if (i % 3 === 1) {
    return span({
      ...ids,
      ...times,
      name: 'zerobounce validate',
      kind: 3,
      statusCode: i % 50 === 1 ? 2 : 0,
      attributes: [
        ...common,
        text('runledger.kind', 'vendor_call'),
        text('runledger.vendor', 'zerobounce'),
        double('runledger.cost_usd', 0.008),
        int('http.response.status_code', i % 50 === 1 ? 429 : 200),
        text('url.path', '/v2/validate'),
      ],
    });
  }
  return span({
    ...ids,
    ...times,
    name: 'crawl company',
    attributes: [
      ...common,
      text('runledger.kind', 'item'),
      text('runledger.item.bucket', 'High'),
      text('crawl.domain', `company-${i}.example`),
      int('crawl.pages', 4),
    ],
  });
}
