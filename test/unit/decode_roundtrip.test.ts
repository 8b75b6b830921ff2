/** Whatever a sender can express arrives, in both encodings, field by field. */

import fc from 'fast-check';
import { JsonTraceSerializer, ProtobufTraceSerializer } from 'otlp-proto-oracle';
import { describe, expect, test } from 'vitest';
import { decodeLogs, decodeTraces } from '../../receiver/decode/decode.ts';
import { type Encoding, type Span, VALUE_ARRAY, VALUE_KVLIST, VALUE_STRING } from '../../receiver/decode/shape.ts';
import { double, drain, flatten, int, logBody, requestWith, span, text, traceBody } from '../helpers/otlp.ts';
import { anyLogRecord, anyRequest, anySpan } from '../helpers/otlp_arbitrary.ts';

const ENCODINGS: Encoding[] = ['protobuf', 'json'];

describe.each(ENCODINGS)('%s', (encoding) => {
  test('no field of a span is lost, swapped or rounded', () => {
    fc.assert(
      fc.property(anyRequest(anySpan), (request) => {
        const decoded = drain(decodeTraces(traceBody(request, encoding), encoding));
        expect(decoded).toEqual({ records: flatten(request), malformed: [] });
      }),
      { numRuns: 300 },
    );
  });

  test('no field of a log record is lost, swapped or rounded', () => {
    fc.assert(
      fc.property(anyRequest(anyLogRecord), (request) => {
        const decoded = drain(decodeLogs(logBody(request, encoding), encoding));
        expect(decoded).toEqual({ records: flatten(request), malformed: [] });
      }),
      { numRuns: 300 },
    );
  });

  test('a body that starts inside a larger buffer is read from its own start to its own end', () => {
    const request = requestWith(span({ attributes: [text('stage', 'crawl')] }));
    const body = traceBody(request, encoding);
    const around = Buffer.alloc(body.length + 20, 0x7b);
    around.set(body, 9);
    const slice = new Uint8Array(around.buffer, around.byteOffset + 9, body.length);
    expect(drain(decodeTraces(slice, encoding)).records).toEqual(flatten(request));
  });
});

type OracleSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number];

/** The SDK's idea of a span, for the serializers that the official exporters use. */
function sdkSpan(from: Span): OracleSpan {
  const hrTime = (us: number, ns: number): [number, number] => [Math.floor(us / 1e6), (us % 1e6) * 1000 + ns];
  const made = {
    name: from.name,
    kind: from.kind - 1,
    spanContext: () => ({ traceId: from.traceId, spanId: from.spanId, traceFlags: 1 }),
    parentSpanContext: { traceId: from.traceId, spanId: from.parentSpanId, traceFlags: 1 },
    startTime: hrTime(from.startUs, from.startNs),
    endTime: hrTime(from.endUs, from.endNs),
    status: { code: from.statusCode, message: from.statusMessage },
    attributes: { stage: 'crawl', tokens: 12, cost: 0.25, tags: ['a', 'ö'], nested: { deep: 'x' } },
    links: [{ context: { traceId: from.traceId, spanId: from.spanId, traceFlags: 0 }, attributes: { skipped: true } }],
    events: from.events.map((event) => ({
      name: event.name,
      time: hrTime(event.timeUs, event.timeNs),
      attributes: {},
    })),
    duration: [0, 0],
    ended: true,
    resource: { attributes: { 'service.name': 'enrich' }, schemaUrl: 'https://example.com/schema' },
    instrumentationScope: { name: 'tracer', version: '2', schemaUrl: '' },
    droppedAttributesCount: 3,
    droppedEventsCount: 0,
    droppedLinksCount: 1,
  };
  // Stands in for the SDK's class, of which the serializers read these members only.
  return made as unknown as OracleSpan;
}

test.each([
  ['protobuf', ProtobufTraceSerializer],
  ['json', JsonTraceSerializer],
] as const)('what the official %s exporter writes is read as it was meant', (encoding, serializer) => {
  const sent = span({
    parentSpanId: '00f067aa0ba902b7',
    kind: 3,
    events: [{ timeUs: 1_760_000_000_000_050, timeNs: 1, name: 'retry', attributes: [] }],
    statusCode: 2,
    statusMessage: 'rate limited',
  });
  const body = serializer.serializeRequest([sdkSpan(sent)]);
  if (body === undefined) throw new Error('the serializer wrote nothing');
  const { records, malformed } = drain(decodeTraces(body, encoding));
  expect(malformed).toEqual([]);
  expect(records).toHaveLength(1);
  expect(records[0]?.resource.attributes).toEqual([text('service.name', 'enrich')]);
  expect(records[0]?.scope).toEqual({ name: 'tracer', version: '2', attributes: [] });
  expect(records[0]?.record).toEqual({
    ...sent,
    attributes: [
      text('stage', 'crawl'),
      int('tokens', 12),
      double('cost', 0.25),
      {
        key: 'tags',
        type: VALUE_ARRAY,
        value: [
          { type: VALUE_STRING, value: 'a' },
          { type: VALUE_STRING, value: 'ö' },
        ],
      },
      { key: 'nested', type: VALUE_KVLIST, value: [text('deep', 'x')] },
    ],
  });
});
