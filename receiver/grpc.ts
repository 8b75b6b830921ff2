/**
 * OTLP over gRPC: the three Export methods, with raw messages in and out, so that both protocols share one decoder. A call's token, turn
 * and size are seen to in grpc_admission.ts before its message is here.
 */

import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { type AcceptDeps, accept } from './accept.ts';
import { type Admission, type AdmissionDeps, type AdmissionLimits, createAdmission } from './grpc_admission.ts';
import { failureStatus } from './grpc_status.ts';
import { LIMITS } from './limits.ts';
import { encodeExportResponse, type Signal } from './respond.ts';

export interface GrpcLimits extends AdmissionLimits {
  bodyBytes: number;
  connections: number;
}

export interface GrpcDeps extends AcceptDeps, AdmissionDeps {
  limits?: Partial<GrpcLimits>;
}

export interface GrpcServer {
  /** The port's server; whoever made it also lets it listen. */
  listener: NetServer;
  /** Stops accepting, waits for the calls in flight, and cuts off what is left after `withinMs`. */
  close(withinMs: number): Promise<void>;
}

const DEFAULTS: GrpcLimits = {
  bodyBytes: LIMITS.bodyBytes,
  connections: LIMITS.connections,
  // Twenty senders of 60 MiB each took 0.9 GB so, and 1.4 GB with 16, as grpc-js joins a message's pieces; small messages lose nothing.
  messagesAtOnce: 8,
  callsWaiting: 1_024,
  receiveMs: 30_000,
};

const PATHS: Record<Signal, string> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};
const SIGNALS = Object.keys(PATHS) as Signal[];
const signalOf = (path: string): Signal | 'other' => SIGNALS.find((signal) => PATHS[signal] === path) ?? 'other';

/** Calls open on one connection; senders that have more wait. */
const STREAMS_PER_CONNECTION = 128;
/** How peers that vanished without a word are found. */
const PING_EVERY_MS = 60_000;
const PING_ANSWER_MS = 20_000;
/** A connection without a call is told to close, which costs its sender nothing but a new one. */
const IDLE_MS = 600_000;

/** Not listening yet. */
export function createGrpcServer(deps: GrpcDeps): GrpcServer {
  const limits = { ...DEFAULTS, ...deps.limits };
  const admission = createAdmission(signalOf, deps, limits);
  const server = new Server({
    interceptors: [admission.interceptor],
    'grpc.max_receive_message_length': limits.bodyBytes,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION,
    'grpc.keepalive_time_ms': PING_EVERY_MS,
    'grpc.keepalive_timeout_ms': PING_ANSWER_MS,
    'grpc.max_connection_idle_ms': IDLE_MS,
    'grpc.enable_channelz': 0,
  });
  for (const signal of SIGNALS) {
    server.addService(serviceOf(PATHS[signal]), implementationOf(signal, admission, deps));
  }
  // A listener of our own has a limit of connections and says in its errors which variable to change; grpc-js's has neither.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  listener.maxConnections = limits.connections;
  return { listener, close: (withinMs) => close({ server, injector, listener, sockets }, withinMs) };
}

function serviceOf(path: string): ServiceDefinition {
  const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const asIs = (bytes: Buffer) => bytes;
  return {
    Export: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: asBuffer,
      requestDeserialize: asIs,
      responseSerialize: asBuffer,
      responseDeserialize: asIs,
    },
  };
}

function implementationOf(signal: Signal, admission: Admission, deps: GrpcDeps): UntypedServiceImplementation {
  return {
    Export(call: ServerUnaryCall<Uint8Array, Uint8Array>, respond: sendUnaryData<Uint8Array>): void {
      serve(signal, call, admission, deps).then(
        (answer) => respond(null, answer),
        (error: unknown) => respond(failureStatus(error, deps.onFailure)),
      );
    },
  };
}

async function serve(
  signal: Signal,
  call: ServerUnaryCall<Uint8Array, Uint8Array>,
  admission: Admission,
  deps: GrpcDeps,
): Promise<Uint8Array> {
  const { principal, release } = admission.take(call.metadata);
  try {
    const partial = await accept(signal, call.request, 'protobuf', principal, deps);
    return encodeExportResponse(signal, 'protobuf', partial);
  } finally {
    release();
  }
}

interface Open {
  server: Server;
  injector: ConnectionInjector;
  listener: NetServer;
  sockets: ReadonlySet<Socket>;
}

/** The last frames of calls that are cut off leave in this time; then a peer that keeps its side open is no longer waited for. */
const LAST_FRAMES_MS = 1_000;

async function close({ server, injector, listener, sockets }: Open, ms: number): Promise<void> {
  // The listener closes with its last connection. tryShutdown alone says so too early: since Node 24 the HTTP/2 server that it closes
  // first marks every session as closed, and it takes those for ended while their calls are still at work.
  const ended = new Promise<void>((resolve) => listener.close(() => resolve()));
  // Not forceShutdown, which knows no connections while channelz is off.
  const cut = setTimeout(() => injector.drain(0), ms);
  const drop = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, ms + LAST_FRAMES_MS);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  await ended;
  clearTimeout(cut);
  clearTimeout(drop);
}
