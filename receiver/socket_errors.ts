/**
 * Answers what Node's HTTP parser rejects before there is a request to handle, or in the middle of one: broken HTTP, headers that are
 * too large or too slow. Such answers are written to the socket by hand, as google.rpc.Status like all others.
 */

import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { encodingOf, failureHeaders } from './answer.ts';
import type { Encoding } from './decode/shape.ts';
import { RequestError } from './errors.ts';
import { encodeStatus, MEDIA_TYPE } from './respond.ts';

/** How long the sender may go on sending after such an answer before its connection is cut. */
const CLOSE_AFTER_MS = 2_000;

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

export function answerSocketErrors(server: Server): void {
  const exchanges = new WeakMap<Duplex, Exchange>();
  const answered = new WeakSet<Duplex>();
  const remember = (request: IncomingMessage, response: ServerResponse) => {
    exchanges.set(request.socket, { request, response });
  };
  server.prependListener('request', remember);
  server.prependListener('checkContinue', remember);
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    writeAnswer(socket, new RequestError('method_not_allowed'), encodingOf(request.headers['content-type']) ?? 'json');
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (answered.has(socket)) return;
    answered.add(socket);
    const exchange = exchanges.get(socket);
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else if (exchange && !exchange.response.writableFinished) interrupt(exchange, error, socket);
    else writeAnswer(socket, parseFailure(error), encodingOf(exchange?.request.headers['content-type']) ?? 'json');
  });
}

/** The parser failed while a request of this connection is still being served. */
function interrupt({ request, response }: Exchange, error: NodeJS.ErrnoException, socket: Duplex): void {
  if (response.headersSent) {
    response.end();
  } else if (request.complete) {
    // What is broken came after this request, whose own answer must not be replaced; the connection closes behind it.
    response.shouldKeepAlive = false;
  } else {
    writeAnswer(socket, parseFailure(error), encodingOf(request.headers['content-type']) ?? 'json');
  }
}

function parseFailure(error: NodeJS.ErrnoException): RequestError {
  if (error.code === 'HPE_HEADER_OVERFLOW') return new RequestError('headers_too_large');
  if (error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new RequestError('body_too_large');
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new RequestError('request_timeout');
  return new RequestError('bad_request');
}

function writeAnswer(socket: Duplex, error: RequestError, encoding: Encoding): void {
  const body = encodeStatus(error, encoding);
  const lines = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    `Content-Type: ${MEDIA_TYPE[encoding]}`,
    `Content-Length: ${body.length}`,
    'Connection: close',
    ...failureHeaders(error).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]));
  // Input that nobody reads would reset the connection and take the answer with it.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), CLOSE_AFTER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
