/** A plain gRPC client for OTLP with raw messages, and a gRPC server on a free loopback port whose ingest only records what reached it. */

import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { RequestError } from '../../receiver/errors.ts';
import { createGrpcServer, type GrpcDeps, type GrpcServer } from '../../receiver/grpc.ts';
import { type BodyBudget, createBodyBudget } from '../../receiver/inflight.ts';
import type { IngestResult } from '../../receiver/ingest_types.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { type Recorded, TOKENS } from './otlp_server.ts';

export const EXPORT_PATHS = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};

/** google.rpc.Status and its details as their .proto files define them. */
const root = protobuf.Root.fromJSON({
  nested: {
    Any: { fields: { typeUrl: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    Status: {
      fields: {
        code: { type: 'int32', id: 1 },
        message: { type: 'string', id: 2 },
        details: { rule: 'repeated', type: 'Any', id: 3 },
      },
    },
    Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
    RetryInfo: { fields: { retryDelay: { type: 'Duration', id: 1 } } },
    Violation: { fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } } },
    BadRequest: { fields: { fieldViolations: { rule: 'repeated', type: 'Violation', id: 1 } } },
    PartialSuccess: { fields: { rejected: { type: 'int64', id: 1 }, message: { type: 'string', id: 2 } } },
    Response: { fields: { partialSuccess: { type: 'PartialSuccess', id: 1 } } },
  },
});

function decode(type: string, bytes: Uint8Array): Record<string, unknown> {
  const found = root.lookupType(type);
  return found.toObject(found.decode(bytes), { longs: Number }) as Record<string, unknown>;
}

export interface GrpcAnswer {
  /** 0: OK. */
  code: number;
  message: string;
  /** google.rpc.Status of grpc-status-details-bin, its details by the name of their type. */
  status: { code: number; message: string; details: Record<string, unknown> } | null;
  partialSuccess: unknown;
  /** The response's bytes, empty when everything was accepted without a word. */
  responseBytes: number;
}

export interface GrpcClient {
  export(signal: keyof typeof EXPORT_PATHS, body: Uint8Array, token?: string): Promise<GrpcAnswer>;
  close(): void;
}

export function grpcClient(url: string, options: ClientOptions = {}): GrpcClient {
  const client = new Client(new URL(url).host, credentials.createInsecure(), {
    // A client of its own connection, as another process would have.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
    ...options,
  });
  return {
    close: () => client.close(),
    export(signal, body, token) {
      const metadata = new Metadata();
      if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
      return new Promise((resolve) => {
        client.makeUnaryRequest(
          EXPORT_PATHS[signal],
          (bytes: Uint8Array) => Buffer.from(bytes),
          (bytes: Buffer) => bytes,
          body,
          metadata,
          { deadline: Date.now() + 25_000 },
          (error, response) => resolve(error === null ? success(response) : failure(error)),
        );
      });
    },
  };
}

function success(response: Buffer | undefined): GrpcAnswer {
  const bytes = response ?? Buffer.alloc(0);
  const { partialSuccess } = decode('Response', bytes);
  return { code: 0, message: '', status: null, partialSuccess, responseBytes: bytes.length };
}

function failure(error: ServiceError): GrpcAnswer {
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const empty = { code: error.code, message: error.details, partialSuccess: undefined, responseBytes: 0 };
  if (!Buffer.isBuffer(bytes)) return { ...empty, status: null };
  const status = decode('Status', bytes) as {
    code: number;
    message: string;
    details?: { typeUrl: string; value: Buffer }[];
  };
  const details = Object.fromEntries(
    (status.details ?? []).map(({ typeUrl, value }) => {
      const name = typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
      return [name, decode(name, value)];
    }),
  );
  return { ...empty, status: { code: status.code, message: status.message, details } };
}

export interface RawCall {
  session: ClientHttp2Session;
  stream: ClientHttp2Stream;
  /** The gRPC code of an answer without a message. */
  refusal: Promise<string>;
  /** Resolves when the server has taken everything that was sent and its flow control lets through. */
  taken(): Promise<void>;
}

/** A call by hand on a connection of its own: what is sent when is up to the test. */
export async function rawCall(url: string, token: string, headers: Record<string, string> = {}): Promise<RawCall> {
  const session = connect(url);
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject));
  session.on('error', () => undefined);
  const stream = session.request({
    ':method': 'POST',
    ':path': EXPORT_PATHS.traces,
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${token}`,
    ...headers,
  });
  stream.on('error', () => undefined);
  const refusal = new Promise<string>((resolve) =>
    stream.once('response', (given) => resolve(String(given['grpc-status']))),
  );
  const taken = () =>
    new Promise<void>((resolve, reject) => session.ping((error) => (error === null ? resolve() : reject(error))));
  return { session, stream, refusal, taken };
}

/** A message in its frame: not compressed, and its length in four bytes. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

export interface TestGrpcServer {
  url: string;
  server: GrpcServer;
  recorded: Recorded[];
  answers: string[];
  failures: RequestError[];
  budget: BodyBudget;
  /** What the next calls are answered with. */
  answer: (body: Buffer) => Promise<IngestResult> | IngestResult;
  draining: boolean;
}

export type GrpcServerOptions = Partial<GrpcDeps> & { inFlightBytes?: number };

export async function startGrpcServer({ inFlightBytes, ...over }: GrpcServerOptions = {}): Promise<TestGrpcServer> {
  const budget = createBodyBudget(inFlightBytes ?? LIMITS.inFlightBodyBytes);
  const record = (signal: Recorded['signal']) => async (body: Uint8Array, encoding: string, principal: unknown) => {
    const copy = Buffer.from(body);
    state.recorded.push({ signal, body: copy, encoding, principal });
    return state.answer(copy);
  };
  const server = createGrpcServer({
    ingest: { traces: record('traces'), logs: record('logs') },
    checkMetrics: (body) => body.length,
    verifyToken: async (token) => {
      if (token === 'database-down') throw new Error('connect ECONNREFUSED');
      return TOKENS[token] ?? null;
    },
    budget,
    isDraining: () => state.draining,
    onAnswer: (signal, code) => state.answers.push(`${signal} ${code}`),
    onFailure: (error) => state.failures.push(error),
    ...over,
  });
  const state: TestGrpcServer = {
    url: '',
    server,
    recorded: [],
    answers: [],
    failures: [],
    budget,
    answer: () => ({ accepted: 1, rejected: 0, message: null }),
    draining: false,
  };
  await new Promise<void>((resolve) => server.listener.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.listener.address() as AddressInfo).port}`;
  return state;
}

/** A promise that the test settles. */
export function deferred<T>(): { promise: Promise<T>; settle: (value: T) => void } {
  let settle: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}
