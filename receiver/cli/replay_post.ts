/** Sends one captured request over OTLP/HTTP: retries what the protocol says is retryable, and reads partial_success out of the answer. */

import { setTimeout as sleep } from 'node:timers/promises';
import protobuf from 'protobufjs/minimal.js';
import { type Capture, captureName } from './capture.ts';
import { CliError, EXIT } from './exit.ts';

export interface Answer {
  /** Records refused for good. */
  rejected: number;
  message: string;
  retries: number;
}

export interface PostOptions {
  endpoint: URL;
  token: string;
  tries: number;
}

const RETRYABLE = new Set([429, 502, 503, 504]);
const REQUEST_TIMEOUT_MS = 20_000;
const LONGEST_WAIT_MS = 30_000;

/** @throws CliError: unreachable when every try failed, no when the receiver refuses the request, usage for a token that is not taken */
export async function postCapture(capture: Capture, options: PostOptions): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const result = await post(capture, options);
    if ('rejected' in result) return { ...result, retries: attempt - 1 };
    if (attempt >= options.tries) {
      throw new CliError(
        EXIT.unreachable,
        `${options.endpoint.origin} did not take ${captureName(capture)}: ${result.reason}`,
      );
    }
    // Full jitter, so that several replays do not come back at the same moment.
    const backoffMs = Math.min(LONGEST_WAIT_MS, 250 * 2 ** (attempt - 1));
    await sleep(result.waitMs ?? backoffMs / 2 + (Math.random() * backoffMs) / 2);
  }
}

type Failure = { reason: string; waitMs: number | null };

async function post(capture: Capture, { endpoint, token }: PostOptions): Promise<Omit<Answer, 'retries'> | Failure> {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${capture.signal}`;
  const type = capture.encoding === 'json' ? 'application/json' : 'application/x-protobuf';
  let response: Response;
  let body: Uint8Array;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': type, Authorization: `Bearer ${token}` },
      // A view on memory that fetch may keep: the capture's bytes are not changed by anybody.
      body: capture.body as Uint8Array<ArrayBuffer>,
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    body = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    return { reason: describeNetworkError(error), waitMs: null };
  }
  if (response.ok) return readPartialSuccess(body, response.headers.get('content-type') ?? '');
  if (RETRYABLE.has(response.status)) return { reason: `HTTP ${response.status}`, waitMs: readRetryAfter(response) };
  throw refused(capture, response.status);
}

function refused(capture: Capture, status: number): CliError {
  if (status === 401 || status === 403) {
    return new CliError(
      EXIT.usage,
      `The token is not taken for sending (HTTP ${status})\nMake one: runledger token create --kind ingest`,
    );
  }
  return new CliError(
    EXIT.no,
    `${captureName(capture)} was refused with HTTP ${status}\nSee what is wrong with it: runledger explain FILE`,
  );
}

function describeNetworkError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : error;
  return 'code' in cause && typeof cause.code === 'string' ? `${cause.code}` : cause.message;
}

function readRetryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(LONGEST_WAIT_MS, seconds * 1000) : null;
}

/** ExportXServiceResponse: partial_success = 1 { rejected = 1, error_message = 2 }, the same numbers for every signal. */
function readPartialSuccess(body: Uint8Array, contentType: string): Omit<Answer, 'retries'> {
  if (contentType.includes('json')) return readJsonPartial(body);
  const reader = protobuf.Reader.create(body);
  let partial: Omit<Answer, 'retries'> = { rejected: 0, message: '' };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) partial = readPartial(protobuf.Reader.create(reader.bytes()));
    else reader.skipType(tag & 7);
  }
  return partial;
}

function readPartial(reader: protobuf.Reader): Omit<Answer, 'retries'> {
  const partial = { rejected: 0, message: '' };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) partial.rejected = Number(reader.int64());
    else if (tag >>> 3 === 2) partial.message = reader.string();
    else reader.skipType(tag & 7);
  }
  return partial;
}

function readJsonPartial(body: Uint8Array): Omit<Answer, 'retries'> {
  const answer = JSON.parse(new TextDecoder().decode(body) || '{}') as {
    partialSuccess?: { rejectedSpans?: string | number; rejectedLogRecords?: string | number; errorMessage?: string };
  };
  const partial = answer.partialSuccess;
  return {
    rejected: Number(partial?.rejectedSpans ?? partial?.rejectedLogRecords ?? 0),
    message: partial?.errorMessage ?? '',
  };
}
