/** How the identity provider is asked: over TLS or on this machine, without redirects, within five seconds and a bound of bytes. */

import type { FetchBody } from 'openid-client';
import { isLoopback } from '../config.ts';

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 256 * 1024;

/** Its words hold nothing of what the provider sent. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
}

interface AskOptions {
  method?: string;
  headers?: Headers | Record<string, string>;
  /** A form, or nothing: sign-in sends no other body. */
  body?: FetchBody;
  signal?: AbortSignal | null | undefined;
}

/** @throws ProviderError, or fetch's own error */
export async function askProvider(url: string, options: AskOptions = {}): Promise<Response> {
  assertSafeAddress(url);
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const { method = 'GET', headers = {}, body, signal } = options;
  const answer = await fetch(url, {
    method,
    headers,
    body: body instanceof URLSearchParams ? body.toString() : null,
    redirect: 'manual',
    // The time is for the whole answer, however slowly its body comes.
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  const bytes = await readBounded(answer);
  const init = { status: answer.status, statusText: answer.statusText, headers: answer.headers };
  return new Response(bytes.length === 0 ? null : bytes, init);
}

/** @throws ProviderError for an address at which secrets would travel in the clear */
export function assertSafeAddress(address: string): void {
  const { protocol, hostname } = new URL(address);
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return;
  throw new ProviderError('it names an address that is not https');
}

async function readBounded(answer: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    // Leaving the loop cancels the body, and with it the connection.
    if (bytes > ANSWER_BYTES_MAX) throw new ProviderError(`its answer is larger than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Why the provider could not be used, in words that may be shown and logged: codes, and never a text that it sent. */
export function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error instanceof ProviderError) return error.message;
  if (error.name === 'TimeoutError') return 'no answer within 5 s';
  const { code, error: said } = error as Error & { code?: unknown; error?: unknown };
  const inner = error.cause instanceof Error ? whyNot(error.cause) : 'unknown';
  if (typeof said === 'string' && /^[a-z_]{1,40}$/.test(said)) return said;
  if (inner !== 'unknown') return inner;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'unknown';
}
