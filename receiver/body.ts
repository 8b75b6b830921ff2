/**
 * One request's body: socket -> one buffer of inflated bytes. Compressed bytes are inflated as they arrive and never kept, and both
 * sizes are bounded while they grow, so neither a bomb nor a lying Content-Length costs more than the limit.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { RequestError } from './errors.ts';
import type { Reservation } from './inflight.ts';

export interface BodyLimits {
  bodyBytes: number;
  bodyIdleMs: number;
  bodyTotalMs: number;
}

export type ContentCoding = 'identity' | 'gzip' | 'deflate';

/** Content codings that are understood, as the 415 answer names them. */
export const ACCEPTED_CODINGS = 'gzip, deflate, identity';

/** Throws `unsupported_media_type` for any other coding, chains of codings included. */
export function contentCoding(header: string | undefined): ContentCoding {
  const name = (header ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return 'identity';
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  if (name === 'deflate') return 'deflate';
  throw new RequestError('unsupported_media_type', `Content-Encoding must be one of: ${ACCEPTED_CODINGS}`);
}

/** The declared length, or null for a chunked body. Throws `body_too_large` before anything is read. */
export function declaredBytes(request: IncomingMessage, limitBytes: number): number | null {
  const header = request.headers['content-length'];
  if (header === undefined) return request.headers['transfer-encoding'] === undefined ? 0 : null;
  const bytes = Number(header);
  if (!(bytes <= limitBytes)) throw tooLarge(limitBytes);
  return bytes;
}

/**
 * Reads the whole body. Resolves with the inflated bytes; throws `body_too_large`, `bad_body` (broken compression), `request_timeout`,
 * `unavailable` (over the budget) or `bad_request` (the sender went away). The bytes are valid until the caller releases the reservation.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  coding: ContentCoding,
  declared: number | null,
  reservation: Reservation,
  limits: BodyLimits,
): Promise<Uint8Array> {
  if (isContinueExpected(request)) response.writeContinue();
  const sink = createSink(coding === 'identity' ? (declared ?? 0) : 4 * (declared ?? 0), reservation, limits.bodyBytes);
  await (coding === 'identity'
    ? receive(request, limits, (chunk) => void sink.append(chunk))
    : inflate(
        request,
        coding === 'gzip' ? createGunzip({ chunkSize: 65_536 }) : createInflate({ chunkSize: 65_536 }),
        sink,
        limits,
      ));
  return sink.bytes();
}

export function isContinueExpected(request: IncomingMessage): boolean {
  return request.headers.expect?.trim().toLowerCase() === '100-continue';
}

interface Sink {
  append(chunk: Buffer): void;
  bytes(): Buffer;
}

/**
 * A buffer that doubles: one copy of each byte with a good guess, and never twice the body in memory as a list of chunks joined at the
 * end would be. The system hands out the pages of a new large buffer only as they are written, so a guess that is too large costs little.
 */
function createSink(expectedBytes: number, reservation: Reservation, limitBytes: number): Sink {
  let buffer = reservation.buffer(Math.min(expectedBytes, limitBytes), 0);
  let length = 0;
  return {
    append(chunk) {
      // After its release the buffer may be another request's.
      if (reservation.isReleased()) return;
      const needed = length + chunk.length;
      if (needed > limitBytes) throw tooLarge(limitBytes);
      reservation.grow(needed);
      if (needed > buffer.length) buffer = reservation.buffer(Math.max(needed, buffer.length * 2), length);
      chunk.copy(buffer, length);
      length = needed;
    },
    bytes: () => buffer.subarray(0, length),
  };
}

/** Hands on each piece of the raw body; a returned promise holds back the next piece. Counts the raw size and the time. */
function receive(
  request: IncomingMessage,
  limits: BodyLimits,
  onChunk: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // The sender may have gone while its token was looked up; `close` would not come a second time.
    if (request.destroyed) return reject(connectionLost());
    let rawBytes = 0;
    const expire = () => finish(new RequestError('request_timeout'));
    const total = setTimeout(expire, limits.bodyTotalMs);
    const idle = setTimeout(expire, limits.bodyIdleMs);
    const finish = (error?: unknown) => {
      clearTimeout(total);
      clearTimeout(idle);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      // A stream without an error listener would bring the process down when the sender resets the connection later on.
      request.on('error', ignoreLateReset);
      if (error === undefined) resolve();
      else {
        request.pause();
        reject(error);
      }
    };
    const onData = (chunk: Buffer) => {
      idle.refresh();
      rawBytes += chunk.length;
      try {
        if (rawBytes > limits.bodyBytes) throw tooLarge(limits.bodyBytes);
        const held = onChunk(chunk);
        if (held === undefined) return;
        request.pause();
        held.then(() => request.resume(), finish);
      } catch (error) {
        finish(error);
      }
    };
    const onEnd = () => finish();
    const onClose = () => finish(connectionLost());
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

function ignoreLateReset(): void {
  // The answer is decided by now; a connection that breaks later changes nothing.
}

/** Inflates piece by piece; several gzip members in a row are one body, anything else behind the last one is an error. */
async function inflate(
  request: IncomingMessage,
  inflater: Transform & { bytesWritten: number },
  sink: Sink,
  limits: BodyLimits,
) {
  let rawBytes = 0;
  let failure: unknown;
  const done = new Promise<void>((resolve) => {
    inflater.on('data', (chunk: Buffer) => {
      try {
        sink.append(chunk);
      } catch (error) {
        failure ??= error;
        inflater.destroy();
      }
    });
    inflater.on('error', () => {
      failure ??= brokenCompression();
    });
    inflater.on('close', resolve);
  });
  try {
    await receive(request, limits, (chunk) => {
      if (failure !== undefined) throw failure;
      rawBytes += chunk.length;
      if (inflater.destroyed || inflater.readableEnded) return undefined;
      if (inflater.write(chunk)) return undefined;
      return Promise.race([new Promise<void>((resolve) => inflater.once('drain', resolve)), done]);
    });
    inflater.end();
    if (rawBytes === 0) inflater.destroy();
    await done;
  } finally {
    inflater.destroy();
  }
  if (failure !== undefined) throw failure;
  if (inflater.bytesWritten !== rawBytes) throw brokenCompression();
}

function connectionLost(): RequestError {
  return new RequestError('bad_request', 'The connection closed before the whole body had arrived');
}

function brokenCompression(): RequestError {
  return new RequestError('bad_body', 'The body is not what its Content-Encoding says, or it is cut short');
}

function tooLarge(limitBytes: number): RequestError {
  return new RequestError(
    'body_too_large',
    `The request body is larger than ${limitBytes} bytes (compressed or inflated): send smaller batches`,
  );
}
