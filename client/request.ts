/** One request of the client: address, token, time limit, and another try where the receiver asked for one and nothing can be done twice. */

import { errorOf, RunledgerError } from './error.ts';

export interface ClientOptions {
  /** Of the receiver's API, as in http://127.0.0.1:8080; a path in it stays in front. */
  url: string;
  /** Or what gives it, asked before each request. */
  token?: string | (() => string | Promise<string>);
  /** For an answer, or for the beginning of an export; by default 30 000. */
  timeoutMs?: number;
  /** How often a GET that was told 429 or 503 is tried again; by default 3. */
  retries?: number;
  /** A wait that the receiver asks for and that is longer is an error instead; by default 60 000. */
  retryWaitMaxMs?: number;
  /** Instead of the global one. */
  fetch?: typeof fetch;
}

/** Of every call. */
export interface CallOptions {
  signal?: AbortSignal;
}

export type QueryValue = string | number | boolean | readonly string[] | undefined;

export interface Ask {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Its parts; each is percent-encoded. */
  path: readonly (string | number)[];
  query?: Readonly<Record<string, QueryValue>>;
  body?: object;
  signal?: AbortSignal | undefined;
}

/** Sends it and resolves with an answer of success, whose body has not been read. */
export type Send = (ask: Ask) => Promise<Response>;

const TIMEOUT_MS = 30_000;
const RETRIES = 3;
const RETRY_WAIT_MAX_MS = 60_000;
const FIRST_WAIT_MS = 500;
/** What a header can carry; fetch would name the whole token in its error. */
const TOKEN = /^[\x21-\x7e]+$/;

/** @throws TypeError for an address or a token that cannot be one */
export function createSend(options: ClientOptions): Send {
  const base = baseOf(options.url);
  if (typeof options.token === 'string') checkToken(options.token);
  const retries = options.retries ?? RETRIES;
  return async (ask) => {
    const request = `${ask.method} ${pathOf(ask)}`;
    for (let tries = 0; ; tries++) {
      const error = await sendOnce(options, base + pathOf(ask), request, ask);
      if (!(error instanceof RunledgerError)) return error;
      const waitMs = error.retryAfterMs ?? FIRST_WAIT_MS * 2 ** tries;
      const mayPass = ask.method === 'GET' && (error.status === 429 || error.status === 503);
      if (!mayPass || tries >= retries || waitMs > (options.retryWaitMaxMs ?? RETRY_WAIT_MAX_MS)) throw error;
      await wait(waitMs, ask.signal);
    }
  };
}

async function sendOnce(
  options: ClientOptions,
  url: string,
  request: string,
  ask: Ask,
): Promise<Response | RunledgerError> {
  const token = typeof options.token === 'function' ? await options.token() : options.token;
  if (token !== undefined) checkToken(token);
  const conceal = (text: string) => (token === undefined ? text : text.replaceAll(token, '[token]'));
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(timedOut(request)), options.timeoutMs ?? TIMEOUT_MS);
  try {
    const response = await (options.fetch ?? fetch)(url, {
      method: ask.method,
      headers: headersOf(token, ask.body),
      ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
      // The token is for this address alone.
      redirect: 'manual',
      signal: ask.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, ask.signal]),
    });
    return response.ok ? response : await errorOf(request, response, conceal);
  } catch (error) {
    ask.signal?.throwIfAborted();
    limit.signal.throwIfAborted();
    throw unreachable(request, error, conceal);
  } finally {
    clearTimeout(timer);
  }
}

function headersOf(token: string | undefined, body: object | undefined): Record<string, string> {
  return {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
  };
}

function baseOf(url: string): string {
  if (!URL.canParse(url)) throw new TypeError('url is no address like http://127.0.0.1:8080');
  const { protocol, username, password, origin, pathname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError('url must begin with http:// or https://');
  if (username !== '' || password !== '') throw new TypeError('url must not hold a user or password; give a token');
  return origin + pathname.replace(/\/+$/, '');
}

function checkToken(token: string): void {
  if (!TOKEN.test(token)) throw new TypeError('token is empty, or holds spaces, line breaks or other such characters');
}

function pathOf({ path, query = {} }: Ask): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, typeof value === 'object' ? value.join(',') : String(value));
  }
  const parts = path.map((part) => encodePart(String(part))).join('/');
  return `/${parts}${parameters.size === 0 ? '' : `?${parameters}`}`;
}

/** @throws TypeError for what no path can hold: an address drops dots that stand alone, even when they are encoded */
function encodePart(part: string): string {
  if (part === '') throw new TypeError('an id, key or code is empty');
  if (part === '.' || part === '..')
    throw new TypeError(`a run cannot be asked for by the key ${part}; use its number`);
  return encodeURIComponent(part);
}

function timedOut(request: string): RunledgerError {
  return withoutAnswer(request, 'Timed out', 'no answer came in time; ask for less, or give a longer timeoutMs');
}

function unreachable(request: string, error: unknown, conceal: (text: string) => string): RunledgerError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = conceal(cause instanceof Error ? cause.message : String(cause));
  return withoutAnswer(request, 'Unreachable', why);
}

function withoutAnswer(request: string, title: string, detail: string): RunledgerError {
  const facts = { status: 0, title, detail, type: 'about:blank', members: {}, retryAfterMs: null };
  return new RunledgerError(request, facts);
}

/** @throws the signal's reason once it is aborted */
function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
