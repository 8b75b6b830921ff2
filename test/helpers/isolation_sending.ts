/** Telemetry of tenant A, sent over both protocols with every kind of token: what is answered, and under which tenants any of it is found. */

import type pg from 'pg';
import { expect } from 'vitest';
import type { Attribute } from '../../receiver/decode/shape.ts';
import { type GrpcAnswer, type GrpcClient, grpcClient } from './grpc_client.ts';
import { int, logBody, logRecord, requestWith, span, text, traceBody } from './otlp.ts';
import { MINE, TENANT_TABLES } from './seed_tenants.ts';
import { bytesField, requestOf } from './wire_bytes.ts';

type Signal = 'traces' | 'logs' | 'metrics';

interface Way {
  name: string;
  signal: Signal;
  /** Left out: over HTTP. */
  overGrpc?: boolean;
  /** Of the span or record beside the mark. */
  about(key: string): Attribute[];
}

const ofA = (key: string) => [int('runledger.tenant.id', MINE), text('runledger.run.id', key)];

/** The run that A's own span tells of first: a record alone would open another one. */
const ofEndedRun = () => ofA('sent-0-by-A');

const WAYS: readonly Way[] = [
  { name: '`POST /v1/traces`', signal: 'traces', about: (key) => [text('runledger.kind', 'run'), ...ofA(key)] },
  { name: '`POST /v1/logs`', signal: 'logs', about: ofEndedRun },
  { name: '`POST /v1/metrics`', signal: 'metrics', about: ofA },
  {
    name: 'gRPC `TraceService/Export`',
    signal: 'traces',
    overGrpc: true,
    about: (key) => [text('runledger.kind', 'run'), ...ofA(key)],
  },
  { name: 'gRPC `LogsService/Export`', signal: 'logs', overGrpc: true, about: ofEndedRun },
  { name: 'gRPC `MetricsService/Export`', signal: 'metrics', overGrpc: true, about: ofA },
];

/** What a sender may do: A's data is kept, refused one by one, refused as a whole because the token is for something else, or not heard. */
export type Right = 'sends' | 'other tenant' | 'never' | 'unknown';
const HTTP_STATUS: Record<Right, number> = { sends: 200, 'other tenant': 200, never: 403, unknown: 401 };
const GRPC_CODE: Record<Right, [number, string]> = {
  sends: [0, 'OK'],
  'other tenant': [0, 'OK'],
  never: [7, 'PERMISSION_DENIED'],
  unknown: [16, 'UNAUTHENTICATED'],
};

export interface Sender {
  name: string;
  token: string | undefined;
  right: Right;
}

interface Answer {
  status: number;
  shown: string;
  refused: boolean;
}

export interface SendingDeps {
  urls: { otlpHttp: string; otlpGrpc: string };
  superuser: pg.Pool;
}

/** One row a way, one cell a sender: the answer, and what became of what was sent. */
export async function observeSending({ urls, superuser }: SendingDeps, senders: readonly Sender[]) {
  const grpc = grpcClient(urls.otlpGrpc);
  const rows: string[][] = [];
  try {
    for (const [index, way] of WAYS.entries()) {
      const cells: string[] = [];
      for (const sender of senders) {
        const mark = `sent-${index}-by-${sender.name}`;
        const body = bodyOf(way, mark, 1000 + rows.length * 100 + cells.length);
        const answer = way.overGrpc
          ? await overGrpc(grpc, way.signal, body, sender)
          : await overHttp(urls.otlpHttp, way.signal, body, sender);
        cells.push(cellOf(way, sender, answer, await tenantsWith(superuser, mark)));
      }
      rows.push([way.name, ...cells]);
    }
  } finally {
    grpc.close();
  }
  return { columns: ['about tenant A', ...senders.map(({ name }) => name)], rows };
}

function cellOf(way: Way, { name, right }: Sender, { status, shown, refused }: Answer, tenants: number[]): string {
  const asked = `${way.name} by ${name}`;
  expect([asked, status]).toEqual([asked, way.overGrpc ? GRPC_CODE[right][0] : HTTP_STATUS[right]]);
  const isKept = way.signal !== 'metrics' && right === 'sends';
  expect([asked, tenants]).toEqual([asked, isKept ? [MINE] : []]);
  expect([asked, refused]).toEqual([asked, way.signal !== 'metrics' && right === 'other tenant']);
  if (isKept) return `${shown}, stored`;
  if (refused) return `${shown}, refused`;
  return right === 'sends' || right === 'other tenant' ? `${shown}, nothing kept` : shown;
}

function bodyOf(way: Way, mark: string, number: number): Uint8Array {
  const attributes = [...way.about(mark), text('about', mark)];
  const endUs = Date.now() * 1000;
  if (way.signal === 'metrics') return metricsBody(mark);
  const encoding = way.overGrpc ? 'protobuf' : 'json';
  if (way.signal === 'logs')
    return logBody(
      requestWith(logRecord({ eventName: 'note', timeUs: endUs, observedUs: endUs, attributes })),
      encoding,
    );
  const traceId = number.toString(16).padStart(32, '0');
  const spanId = number.toString(16).padStart(16, '0');
  return traceBody(requestWith(span({ traceId, spanId, startUs: endUs - 1_000_000, endUs, attributes })), encoding);
}

/** A gauge of one point that says whose it is. */
function metricsBody(mark: string): Uint8Array {
  const attribute = (key: string, value: Uint8Array) => bytesField(7, bytesField(1, key), bytesField(2, value));
  const point = bytesField(1, attribute('runledger.run.id', bytesField(1, mark)));
  return requestOf(bytesField(2, bytesField(1, mark), bytesField(5, point)));
}

async function overHttp(url: string, signal: Signal, body: Uint8Array, { token }: Sender): Promise<Answer> {
  const type = signal === 'metrics' ? 'application/x-protobuf' : 'application/json';
  const headers = { 'Content-Type': type, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(`${url}/v1/${signal}`, { method: 'POST', headers, body: Buffer.from(body) });
  const answered = await answer.text();
  const refused = /"rejected(Spans|LogRecords)":"?[1-9]/.test(answered);
  return { status: answer.status, shown: String(answer.status), refused };
}

async function overGrpc(
  client: GrpcClient,
  signal: Signal,
  body: Uint8Array,
  { token, right }: Sender,
): Promise<Answer> {
  const answer: GrpcAnswer = await client.export(signal, body, token);
  const { rejected = 0 } = (answer.partialSuccess ?? {}) as { rejected?: number };
  return { status: answer.code, shown: GRPC_CODE[right][1], refused: rejected > 0 };
}

/** Under which tenants anything that was sent is found, in whatever table. */
async function tenantsWith(superuser: pg.Pool, mark: string): Promise<number[]> {
  const found = new Set<number>();
  for (const table of TENANT_TABLES) {
    const sql = `select distinct tenant_id from ${table} t where position($1 in t::text) > 0`;
    const { rows } = await superuser.query<{ tenant_id: number }>(sql, [mark]);
    for (const { tenant_id } of rows) found.add(tenant_id);
  }
  return [...found].sort();
}

/**
 * A span that names no tenant, in the trace of a run that A has just sent, with the token of each of them.
 * @returns under which tenants either is found
 */
export async function sendIntoTrace({ urls, superuser }: SendingDeps, tokens: { a: string; b: string }) {
  const endUs = Date.now() * 1000;
  const traceId = 'feed'.repeat(8);
  const times = { startUs: endUs - 1000, endUs };
  const send = async (name: string, token: string, given: Parameters<typeof span>[0]): Promise<void> => {
    const body = traceBody(requestWith(span({ traceId, ...times, ...given })), 'json');
    const answer = await overHttp(urls.otlpHttp, 'traces', body, { name, token, right: 'sends' });
    expect([name, answer]).toEqual([name, { status: 200, shown: '200', refused: false }]);
  };
  await send('A', tokens.a, { attributes: [text('runledger.kind', 'run'), ...ofA('run-with-a-trace')] });
  const item = (name: string) => [
    text('runledger.kind', 'item'),
    text('runledger.item.id', '500'),
    text('about', name),
  ];
  const child = (spanId: string) => ({ spanId, parentSpanId: 'b7ad6b7169203331' });
  await send('A', tokens.a, { ...child('abcdef0123456788'), attributes: item('into-a-trace-by-A') });
  await send('B', tokens.b, { ...child('abcdef0123456789'), attributes: item('into-a-trace-by-B') });
  return {
    a: await tenantsWith(superuser, 'into-a-trace-by-A'),
    b: await tenantsWith(superuser, 'into-a-trace-by-B'),
  };
}
