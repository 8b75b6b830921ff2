/**
 * OTLP over HTTP: the path of a request from its headers to its answer. The order is fixed: token, media type, size, budget, body,
 * ingest; what is not allowed in is neither read nor inflated.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import express from 'express';
import { type AcceptDeps, accept } from './accept.ts';
import { encodingOf, type LingerLimits, sendFailure, sendSuccess } from './answer.ts';
import { authenticate, type VerifyToken } from './auth.ts';
import { type BodyLimits, contentCoding, declaredBytes, readBody } from './body.ts';
import { isUnexpected, RequestError, toRequestError } from './errors.ts';
import type { BodyBudget } from './inflight.ts';
import { LIMITS } from './limits.ts';
import { encodeExportResponse, type Signal } from './respond.ts';
import { answerSocketErrors } from './socket_errors.ts';

export interface OtlpDeps extends AcceptDeps {
  verifyToken: VerifyToken;
  budget: BodyBudget;
  /** True once the process is to end: requests that come now are answered 503 and connections close after their answer. */
  isDraining(): boolean;
  /** Called once for every answer. */
  onAnswer(signal: Signal | 'other', status: number): void;
  /** Called with every failure whose cause is ours or the database's. */
  onFailure(error: RequestError): void;
  limits?: Partial<BodyLimits & LingerLimits>;
}

const SIGNALS: readonly Signal[] = ['traces', 'logs', 'metrics'];

export function createOtlpApp(deps: OtlpDeps): express.Express {
  const limits = { ...LIMITS, ...deps.limits };
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use((request, response, next) => {
    const signal = SIGNALS.find((name) => request.path.toLowerCase().startsWith(`/v1/${name}`)) ?? 'other';
    response.once('close', () => deps.onAnswer(signal, response.headersSent ? response.statusCode : 0));
    if (deps.isDraining()) response.setHeader('Connection', 'close');
    // Node is told not to answer this itself, because its own answer has no body.
    if (request.httpVersion === '1.1' && request.headers.host === undefined) {
      throw new RequestError('bad_request', 'The Host header is missing');
    }
    next();
  });
  for (const signal of SIGNALS) {
    app.post(`/v1/${signal}`, (request, response) => receive(signal, request, response, deps, limits));
    app.all(`/v1/${signal}`, () => {
      throw new RequestError('method_not_allowed');
    });
  }
  app.use(() => {
    throw new RequestError('not_found');
  });
  app.use((thrown: unknown, request: express.Request, response: express.Response, _next: express.NextFunction) => {
    const error = isMalformedUrl(thrown) ? new RequestError('bad_request') : toRequestError(thrown);
    if (isUnexpected(error)) deps.onFailure(error);
    // A small body is still in the parser at this moment; one turn later it is whole and its connection can stay open.
    setImmediate(() => sendFailure(request, response, error, limits));
  });
  return app;
}

/** An HTTP server with the time and size limits of OTLP's port. Not listening yet. */
export function createOtlpServer(app: express.Express, limits: Partial<ServerLimits> = {}): Server {
  const { headerBytes, headersMs, bodyTotalMs, lingerTotalMs, keepAliveMs, connections } = { ...LIMITS, ...limits };
  const server = createServer(
    {
      maxHeaderSize: headerBytes,
      headersTimeout: headersMs,
      // A backstop: body.ts ends slow bodies earlier, with an answer in the request's encoding.
      requestTimeout: headersMs + bodyTotalMs + lingerTotalMs,
      connectionsCheckingInterval: Math.min(headersMs, 1_000),
      keepAliveTimeout: keepAliveMs,
      requireHostHeader: false,
      noDelay: true,
    },
    app,
  );
  server.maxConnections = connections;
  // Without these listeners Node would ask for every body by itself (100 Continue), wanted or not.
  server.on('checkContinue', app);
  server.on('checkExpectation', app);
  answerSocketErrors(server);
  return server;
}

type ServerLimits = Record<
  'headerBytes' | 'headersMs' | 'bodyTotalMs' | 'lingerTotalMs' | 'keepAliveMs' | 'connections',
  number
>;

async function receive(
  signal: Signal,
  request: IncomingMessage,
  response: ServerResponse,
  deps: OtlpDeps,
  limits: BodyLimits,
): Promise<void> {
  if (deps.isDraining()) throw new RequestError('unavailable', 'The receiver is shutting down: send again');
  const principal = await authenticate(request.headers.authorization, deps.verifyToken);
  const encoding = encodingOf(request.headers['content-type']);
  if (encoding === null) throw new RequestError('unsupported_media_type');
  const coding = contentCoding(request.headers['content-encoding']);
  const declared = declaredBytes(request, limits.bodyBytes);
  const reservation = deps.budget.reserve(declared ?? 0);
  try {
    const body = await readBody(request, response, coding, declared, reservation, limits);
    const partial = await accept(signal, body, encoding, principal, deps);
    sendSuccess(response, encoding, encodeExportResponse(signal, encoding, partial));
  } finally {
    reservation.release();
  }
}

/** Express marks a path that is not valid percent-encoding this way. */
function isMalformedUrl(thrown: unknown): boolean {
  return thrown instanceof URIError;
}
