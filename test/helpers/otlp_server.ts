/** An OTLP/HTTP server on a free loopback port whose ingest only records what reached it, and raw clients for the odd cases. */

import { type AddressInfo, connect, type Socket } from 'node:net';
import type { VerifiedToken } from '../../receiver/auth.ts';
import type { RequestError } from '../../receiver/errors.ts';
import { type BodyBudget, createBodyBudget } from '../../receiver/inflight.ts';
import type { IngestResult } from '../../receiver/ingest_types.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { createOtlpApp, createOtlpServer, type OtlpDeps } from '../../receiver/server.ts';

export interface Recorded {
  signal: 'traces' | 'logs' | 'metrics';
  body: Buffer;
  encoding: string;
  principal: unknown;
}

export interface TestServer {
  port: number;
  url: string;
  recorded: Recorded[];
  answers: { signal: string; status: number }[];
  failures: RequestError[];
  budget: BodyBudget;
  /** What the next requests are answered with. */
  answer: (body: Buffer) => Promise<IngestResult> | IngestResult;
  draining: boolean;
  close(): Promise<void>;
}

export const TOKENS: Record<string, VerifiedToken> = {
  'tenant-7-write': { kind: 'tenant', tenantId: 7, scopes: ['read', 'write'] },
  'tenant-7-read': { kind: 'tenant', tenantId: 7, scopes: ['read'] },
  'ingest-all': { kind: 'ingest', tenantId: null, scopes: [] },
  'admin-all': { kind: 'admin', tenantId: null, scopes: [] },
};

export type ServerOptions = Partial<OtlpDeps> & { inFlightBytes?: number; headersMs?: number };

export async function startOtlpServer({ inFlightBytes, headersMs, ...over }: ServerOptions = {}): Promise<TestServer> {
  const budget = createBodyBudget(inFlightBytes ?? LIMITS.inFlightBodyBytes);
  const state: TestServer = {
    port: 0,
    url: '',
    recorded: [],
    answers: [],
    failures: [],
    budget,
    answer: () => ({ accepted: 1, rejected: 0, message: null }),
    draining: false,
    close: () => Promise.resolve(),
  };
  const record = (signal: Recorded['signal']) => async (body: Uint8Array, encoding: string, principal: unknown) => {
    // A copy: the receiver may reuse its buffer once the request is over.
    const copy = Buffer.from(body);
    state.recorded.push({ signal, body: copy, encoding, principal });
    return state.answer(copy);
  };
  const app = createOtlpApp({
    ingest: { traces: record('traces'), logs: record('logs') },
    checkMetrics: (body) => body.length,
    verifyToken: async (token) => {
      if (token === 'database-down') throw new Error('connect ECONNREFUSED');
      return TOKENS[token] ?? null;
    },
    budget,
    isDraining: () => state.draining,
    onAnswer: (signal, status) => state.answers.push({ signal, status }),
    onFailure: (error) => state.failures.push(error),
    ...over,
  });
  const server = createOtlpServer(app, headersMs === undefined ? {} : { headersMs });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.port = (server.address() as AddressInfo).port;
  state.url = `http://127.0.0.1:${state.port}`;
  state.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return state;
}

export interface RawConnection {
  socket: Socket;
  /** Resolves once everything given has left for the kernel, or the connection is gone. */
  write(data: string | Buffer): Promise<void>;
  /** Everything received until the peer closed the connection or reset it. */
  untilClosed: Promise<{ text: string; wasReset: boolean }>;
  /** Everything received until it contains `part`. */
  until(part: string): Promise<string>;
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const chunks: Buffer[] = [];
  let wasReset = false;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {
    wasReset = true;
  });
  const text = () => Buffer.concat(chunks).toString('latin1');
  const untilClosed = new Promise<{ text: string; wasReset: boolean }>((resolve) =>
    socket.once('close', () => resolve({ text: text(), wasReset })),
  );
  return {
    socket,
    untilClosed,
    write: (data) => new Promise((resolve) => (socket.destroyed ? resolve() : socket.write(data, () => resolve()))),
    async until(part) {
      while (!text().includes(part)) {
        if (socket.destroyed) throw new Error(`closed before ${JSON.stringify(part)} came: ${text()}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return text();
    },
  };
}

/** A request's head with an ingest token; `extra` lines replace or follow the usual ones. */
export function head(path: string, extra: Record<string, string | number> = {}, method = 'POST'): string {
  const headers: Record<string, string | number> = {
    Host: '127.0.0.1',
    Authorization: 'Bearer ingest-all',
    'Content-Type': 'application/json',
    ...extra,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
