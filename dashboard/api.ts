/** Asking the API: one function for reads and changes, and a hook that keeps what was read, refreshes it, and never blanks a page that has data. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** What went wrong in words for a person, and whether the server has such a route at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly isMissingRoute: boolean;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
    this.isMissingRoute = status === 404 && detail.startsWith('There is nothing at');
  }
}

type Query = Record<string, string | number | null | undefined>;

/** Path with its parameters; those without a value are left out. */
export function apiPath(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value != null && value !== '') search.set(name, String(value));
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Only who sends an ETag is told that nothing changed. */
const UNCHANGED = 304;

let whenSignedOut: () => void = () => undefined;

/** What happens when the server no longer knows who asks. */
export function onSignedOut(act: () => void): void {
  whenSignedOut = act;
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init });
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause;
    throw new ApiError(0, 'The ledger does not answer. Is it running? This page tries again by itself.');
  }
  if (response.ok || response.status === UNCHANGED) return response;
  const error = new ApiError(response.status, await readDetail(response));
  if (error.status === 401 && !path.startsWith('/ui/session')) whenSignedOut();
  throw error;
}

async function readDetail(response: Response): Promise<string> {
  const fallback = `The ledger answered ${response.status} without saying why.`;
  if (!(response.headers.get('content-type') ?? '').includes('json')) return fallback;
  const body: unknown = await response.json().catch(() => null);
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : null;
  return typeof detail === 'string' ? detail : fallback;
}

export async function readJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, {
    headers: { Accept: 'application/json' },
    ...(signal === undefined ? {} : { signal }),
  });
  return (await response.json()) as T;
}

/** Sends a change. The header is what tells it from a form on somebody else's page. */
export async function change<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T | null> {
  const headers: Record<string, string> = { 'X-Runledger-Ui': '1', Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await ask(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return response.status === 204 ? null : ((await response.json()) as T);
}

export interface Loaded<T> {
  /** The newest that was read; stays while it is read again or cannot be. */
  data: T | null;
  error: ApiError | null;
  /** Changes with each reading. */
  turn: number;
  /** Whether `data` belongs to another address than the one asked for now. */
  isStale: boolean;
  reload(): void;
}

interface LoadOptions<T> {
  /** Reads again after that time, while the page is visible. 0: not again. May depend on what was read. */
  everyMs?: number | ((data: T | null) => number);
  as?: 'json' | 'text';
}

/** So long an answer that did not change is not drawn anew: on a phone that takes a noticeable while. */
const SAME_SHOWN_MS = 30_000;

const kept = new Map<string, unknown>();
const KEPT_MAX = 60;

function keep(path: string, data: unknown): void {
  kept.delete(path);
  kept.set(path, data);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_MAX) return;
    kept.delete(oldest);
  }
}

/** Forgets everything, because somebody else may sign in. */
export function forgetAll(): void {
  kept.clear();
}

/** @param path null: nothing to read yet */
export function useApi<T>(path: string | null, { everyMs = 0, as = 'json' }: LoadOptions<T> = {}): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: ApiError | null; turn: number }>(
    () => ({
      path,
      turn: 0,
      data: path === null ? null : ((kept.get(path) as T | undefined) ?? null),
      error: null,
    }),
  );
  const [turn, setTurn] = useState(0);
  const wait = useRef(everyMs);
  wait.current = everyMs;
  const fixedMs = typeof everyMs === 'number' ? everyMs : null;

  useEffect(() => {
    if (path === null) return;
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let latest: T | null = null;
    let tag: string | null = null;
    let shownMs = 0;
    let isMoving = false;
    const read = async () => {
      timer = undefined;
      try {
        const response = await ask(path, {
          signal: control.signal,
          ...(tag === null ? {} : { headers: { 'If-None-Match': tag } }),
        });
        const isSame = response.status === UNCHANGED;
        // What is said of the same answer changes slowly ("5 minutes ago"), but for how long something has been at work.
        const isWorthShowing = !isSame || isMoving || Date.now() - shownMs >= SAME_SHOWN_MS;
        if (!isSame) {
          const text = await response.text();
          latest = (as === 'json' ? JSON.parse(text) : text) as T;
          tag = response.headers.get('etag');
          isMoving = text.includes('"status":"running"');
          keep(path, latest);
        }
        const data = latest as T;
        if (isWorthShowing && !control.signal.aborted) {
          shownMs = Date.now();
          setState((old) => ({ path, data, error: null, turn: isSame ? old.turn : old.turn + 1 }));
        }
      } catch (error) {
        if (control.signal.aborted) return;
        // The next answer takes the trouble away, whatever it says.
        shownMs = 0;
        const shown = error instanceof ApiError ? error : new ApiError(0, 'The answer could not be read.');
        setState((old) => ({ ...old, path, data: old.path === path ? old.data : null, error: shown }));
      }
      if (!control.signal.aborted) plan();
    };
    const plan = () => {
      const waitMs = typeof wait.current === 'number' ? wait.current : wait.current(latest);
      if (waitMs > 0) timer = setTimeout(() => (document.hidden ? plan() : void read()), waitMs);
    };
    const wake = () => {
      if (document.hidden || timer === undefined) return;
      clearTimeout(timer);
      void read();
    };
    void read();
    document.addEventListener('visibilitychange', wake);
    return () => {
      control.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', wake);
    };
  }, [path, fixedMs, as, turn]);

  const reload = useCallback(() => setTurn((last) => last + 1), []);
  if (state.path === path) return { data: state.data, error: state.error, turn: state.turn, isStale: false, reload };
  const known = path === null ? undefined : (kept.get(path) as T | undefined);
  return { data: known ?? state.data, error: null, turn: state.turn, isStale: known === undefined, reload };
}
