/** Lists that come in pages: awaited, they are the first page; iterated, they are every line of every page, each read when it is needed. */

import type { CallOptions, QueryValue, Send } from './request.ts';

export interface PageLike {
  next_cursor: string | null;
}

/** What all lists take, beside their filters. */
export interface PageOptions extends CallOptions {
  /** Lines of a page. */
  limit?: number;
  /** The `next_cursor` of the page before. */
  cursor?: string;
}

export type Paged<Page extends PageLike, Line> = Promise<Page> &
  AsyncIterable<Line> & {
    /** Page by page, from the first. */
    pages(): AsyncIterable<Page>;
  };

export type Query = Readonly<Record<string, QueryValue>>;

export async function readJson<T>(send: Send, path: readonly (string | number)[], given: object = {}): Promise<T> {
  const { signal, query } = split(given);
  return (await (await send({ method: 'GET', path, query, signal })).json()) as T;
}

export function readPaged<Page extends PageLike, Line>(
  send: Send,
  path: readonly (string | number)[],
  given: object,
  linesOf: (page: Page) => readonly Line[],
): Paged<Page, Line> {
  const first = readJson<Page>(send, path, given);
  async function* pages(): AsyncGenerator<Page> {
    let page = await first;
    yield page;
    while (page.next_cursor !== null) {
      page = await readJson<Page>(send, path, { ...given, cursor: page.next_cursor });
      yield page;
    }
  }
  async function* lines(): AsyncGenerator<Line> {
    for await (const page of pages()) yield* linesOf(page);
  }
  return Object.assign(first, { pages, [Symbol.asyncIterator]: lines });
}

export interface Change {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: readonly (string | number)[];
  body?: object;
  /** Beside the signal: parameters of the address. */
  given?: object;
}

/** Resolves with the answer, or with undefined for one without a body. */
export async function change<T>(send: Send, { method, path, body, given = {} }: Change): Promise<T> {
  const { signal, query } = split(given);
  const response = await send({ method, path, query, signal, ...(body === undefined ? {} : { body }) });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export function split(given: object): { signal: AbortSignal | undefined; query: Query } {
  const { signal, ...query } = given as CallOptions & Query;
  return { signal, query };
}
