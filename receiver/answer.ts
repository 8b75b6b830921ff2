/**
 * Writes OTLP answers to the socket so that they arrive: an answer given before its request's body was read is followed by throwing
 * that body away for a while, because closing a socket with unread data resets it and the sender would never see the answer.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACCEPTED_CODINGS } from './body.ts';
import type { Encoding } from './decode/shape.ts';
import type { RequestError } from './errors.ts';
import { encodeStatus, MEDIA_TYPE } from './respond.ts';

export interface LingerLimits {
  lingerIdleMs: number;
  lingerTotalMs: number;
  lingerBytes: number;
}

/** The encoding that a Content-Type names, parameters aside; null when it is none of OTLP's. */
export function encodingOf(contentType: string | undefined): Encoding | null {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === MEDIA_TYPE.protobuf) return 'protobuf';
  return mediaType === MEDIA_TYPE.json ? 'json' : null;
}

export function sendSuccess(response: ServerResponse, encoding: Encoding, body: Uint8Array): void {
  response.setHeader('Content-Type', MEDIA_TYPE[encoding]);
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

/** A google.rpc.Status in the request's encoding, JSON where that is not known. */
export function sendFailure(
  request: IncomingMessage,
  response: ServerResponse,
  error: RequestError,
  limits: LingerLimits,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const encoding = encodingOf(request.headers['content-type']) ?? 'json';
  const body = encodeStatus(error, encoding);
  response.statusCode = error.status;
  response.setHeader('Content-Type', MEDIA_TYPE[encoding]);
  response.setHeader('Content-Length', body.length);
  for (const [name, value] of failureHeaders(error)) response.setHeader(name, value);
  if (!isBodyPending(request)) {
    response.end(body);
    return;
  }
  response.setHeader('Connection', 'close');
  // The answer goes out whole now; only the end of the connection waits.
  response.write(body);
  discardRest(request, limits, () => response.end());
}

/** The headers that a failure needs beside those of its body. */
export function failureHeaders(error: RequestError): [string, string][] {
  if (error.retryable) return [['Retry-After', String(error.retryAfterSeconds)]];
  if (error.code === 'unauthenticated') return [['WWW-Authenticate', 'Bearer realm="runledger"']];
  if (error.code === 'method_not_allowed') return [['Allow', 'POST']];
  if (error.code === 'unsupported_media_type') return [['Accept-Encoding', ACCEPTED_CODINGS]];
  return [];
}

function isBodyPending(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': transfer } = request.headers;
  return !request.complete && (transfer !== undefined || (length !== undefined && length !== '0'));
}

/** Reads and drops until the body ends, the sender stops or leaves, or a limit is met. Calls back exactly once. */
function discardRest(request: IncomingMessage, limits: LingerLimits, onDone: () => void): void {
  let bytes = 0;
  let isDone = false;
  const finish = () => {
    if (isDone) return;
    isDone = true;
    clearTimeout(total);
    clearTimeout(idle);
    request.off('data', onData).off('end', finish).off('close', finish);
    onDone();
  };
  const onData = (chunk: Buffer) => {
    idle.refresh();
    bytes += chunk.length;
    if (bytes > limits.lingerBytes) finish();
  };
  const total = setTimeout(finish, limits.lingerTotalMs);
  const idle = setTimeout(finish, limits.lingerIdleMs);
  request.on('error', finish);
  request.on('data', onData).on('end', finish).on('close', finish);
  request.resume();
}
