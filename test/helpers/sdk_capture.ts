/** A small OTLP/HTTP server on loopback that keeps every span it is sent as JSON, and can refuse for a while, for tests of the SDK. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

interface JsonValue {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
  boolValue?: boolean;
}

interface JsonAttribute {
  key: string;
  value: JsonValue;
}

interface JsonSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: JsonAttribute[];
  events?: { name: string; attributes?: JsonAttribute[] }[];
  links?: { traceId: string }[];
  status?: { code?: number; message?: string };
}

interface JsonRequest {
  resourceSpans?: { resource?: { attributes?: JsonAttribute[] }; scopeSpans?: { spans?: JsonSpan[] }[] }[];
}

export type Plain = Record<string, string | number | boolean | undefined>;

export interface CapturedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  start: string;
  end: string;
  attributes: Plain;
  resource: Plain;
  events: { name: string; attributes: Plain }[];
  statusCode: number;
  statusMessage: string;
}

export interface CapturedRequest {
  path: string;
  contentType: string;
  authorization: string;
  bodyBytes: number;
}

export interface Capture {
  url: string;
  spans: CapturedSpan[];
  requests: CapturedRequest[];
  /** Status with which the next requests are answered; 200 keeps their spans. */
  answer(status: number): void;
  close(): Promise<void>;
}

/** Starts on `port` (default: a free one). Protobuf bodies are counted and not read. */
export async function startCapture(port = 0): Promise<Capture> {
  const spans: CapturedSpan[] = [];
  const requests: CapturedRequest[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const contentType = request.headers['content-type'] ?? '';
      requests.push({
        path: request.url ?? '',
        contentType,
        authorization: request.headers.authorization ?? '',
        bodyBytes: body.length,
      });
      if (status === 200 && contentType.includes('json')) {
        const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
        spans.push(...readSpans(JSON.parse(text.toString()) as JsonRequest));
      }
      response.writeHead(status, { 'content-type': contentType }).end(contentType.includes('json') ? '{}' : '');
    });
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    answer: (next) => {
      status = next;
    },
    close: () => close(server),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function readSpans(request: JsonRequest): CapturedSpan[] {
  return (request.resourceSpans ?? []).flatMap((resourceSpans) => {
    const resource = readAttributes(resourceSpans.resource?.attributes);
    return (resourceSpans.scopeSpans ?? []).flatMap((scope) =>
      (scope.spans ?? []).map((span) => readSpan(span, resource)),
    );
  });
}

function readSpan(span: JsonSpan, resource: Plain): CapturedSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name,
    kind: span.kind,
    start: String(span.startTimeUnixNano),
    end: String(span.endTimeUnixNano),
    attributes: readAttributes(span.attributes),
    resource,
    events: (span.events ?? []).map((event) => ({ name: event.name, attributes: readAttributes(event.attributes) })),
    statusCode: span.status?.code ?? 0,
    statusMessage: span.status?.message ?? '',
  };
}

function readAttributes(attributes: JsonAttribute[] | undefined): Plain {
  return Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: JsonValue): string | number | boolean | undefined {
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
