/** The client against the real API: pages, errors, waits, files; and that a token never comes out in a message. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Client, createClient, RunledgerError } from '../../client/client.ts';
import { readParquet } from '../helpers/parquet_read.ts';
import { seedRun } from './api_seed.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

let api: ApiUnderTest;
let client: Client;
let events: number;
const night = new Date('2026-11-22T01:30:05.000Z');
const servers: Server[] = [];

beforeAll(async () => {
  api = await startApi();
  for (const runId of [1, 2, 3]) {
    const startedAt = new Date(night.getTime() + runId * 3_600_000);
    const rows = await seedRun(api.owner, { tenantId: TENANT_A, runId, startedAt, items: 40 });
    if (runId === 1) events = rows.length;
  }
  await seedRun(api.owner, { tenantId: TENANT_A, runId: 4, runKey: 'night/2026 ä?', startedAt: night, items: 2 });
  await seedRun(api.owner, { tenantId: TENANT_B, runId: 3, startedAt: night, items: 2 });
  client = createClient({ url: api.url, token: api.tokens.a });
});
afterAll(() => api.stop());
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function failure(promise: PromiseLike<unknown>): Promise<RunledgerError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RunledgerError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** A receiver that answers what a test says. */
async function answering(handle: (req: IncomingMessage, res: ServerResponse, nth: number) => void): Promise<string> {
  let requests = 0;
  const server = createServer((req, res) => handle(req, res, ++requests));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('a list is its first page when awaited, and every line of every page when iterated', async () => {
  const first = await client.runs.list({ limit: 2 });
  expect(first.runs.map((run) => run.run_id)).toEqual([3, 2]);
  const all: number[] = [];
  for await (const run of client.runs.list({ limit: 2 })) all.push(run.run_id);
  expect(all).toEqual([3, 2, 1, 4]);
  const lines: string[] = [];
  for await (const event of client.runs.events(1, { limit: 100 }))
    lines.push(`${event.ts} ${event.span_id} ${event.seq}`);
  expect(lines).toHaveLength(events);
  expect(new Set(lines).size).toBe(events);
  expect(lines).toEqual(lines.toSorted());
  const sizes: number[] = [];
  for await (const page of client.runs.events(1, { limit: 100 }).pages()) sizes.push(page.events.length);
  expect(sizes.slice(0, -1).every((size) => size === 100)).toBe(true);
});

it('whoever stops iterating asks for no further page', async () => {
  let asked = 0;
  const counting = createClient({
    url: api.url,
    token: api.tokens.a,
    fetch: (url, init) => {
      asked++;
      return fetch(url, init);
    },
  });
  for await (const event of counting.runs.events(1, { limit: 10 })) {
    if (event.seq >= 0) break;
  }
  expect(asked).toBe(1);
});

it('a run is found by its key, whatever is in it', async () => {
  expect((await client.runs.get('night/2026 ä?')).run_id).toBe(4);
  expect((await client.runs.stats('night/2026 ä?')).stage_stats.length).toBeGreaterThan(0);
});

it('what the receiver refuses is an error with all that the problem says', async () => {
  const foreign = await failure(createClient({ url: api.url, token: api.tokens.b }).runs.get(1));
  expect(foreign).toMatchObject({ name: 'RunledgerError', status: 404, title: 'Not found', type: 'about:blank' });
  const bad = await failure(client.runs.list({ limit: 100_000 }));
  expect(bad.status).toBe(400);
  expect(bad.errors).toEqual([{ parameter: 'limit', message: expect.any(String) }]);
  expect(bad.message).toContain('GET /runs?limit=100000: 400 Bad request: limit');
  const admin = createClient({ url: api.url, token: api.tokens.admin });
  const ambiguous = await failure(admin.runs.get(3));
  expect(ambiguous.status).toBe(409);
  expect(ambiguous.members.runs).toHaveLength(2);
  expect((await admin.runs.get(3, { tenant: TENANT_B })).tenant_id).toBe(TENANT_B);
});

it('a token is made, works, is rotated and revoked', async () => {
  const admin = createClient({ url: `${api.url}/`, token: () => Promise.resolve(api.tokens.admin) });
  const made = await admin.tokens.create({ kind: 'tenant', tenant: TENANT_A, name: 'of the client', scopes: ['read'] });
  expect((await createClient({ url: api.url, token: made.token }).me()).tenant_id).toBe(TENANT_A);
  const rotated = await admin.tokens.rotate(made.token_id);
  expect(await admin.tokens.revoke(rotated.token_id)).toBeUndefined();
  const { tokens } = await admin.tokens.list();
  expect(tokens.find((token) => token.token_id === rotated.token_id)?.revoked_at).not.toBeNull();
});

it('files are streams that hold what the API gives', async () => {
  const csv = await client.exports.runEvents(1, 'csv');
  expect(csv).toMatchObject({ fileName: 'run_events_7_1.csv', contentType: 'text/csv; charset=utf-8; header=present' });
  expect((await new Response(csv.stream).text()).trimEnd().split('\n')).toHaveLength(events + 1);
  const parquet = await client.exports.runEvents(1, 'parquet');
  const bytes = new Uint8Array(await new Response(parquet.stream).arrayBuffer());
  expect((await readParquet(bytes)).rowCount).toBe(events);
  expect((await failure(client.exports.qa(999, 'parquet'))).status).toBe(404);
});

it('a file that breaks off is an error, never a shorter file', async () => {
  const url = await answering((_req, res) => {
    res.write('run_id\n1\n');
    setTimeout(() => res.destroy(), 50);
  });
  const { stream } = await createClient({ url }).exports.runEvents(1, 'csv');
  await expect(new Response(stream).text()).rejects.toThrow();
});

it('a read that is told to wait waits and tries again; a change never does; and there is an end to it', async () => {
  const refuse = (res: ServerResponse, status: number, wait?: string) => {
    if (wait !== undefined) res.setHeader('Retry-After', wait);
    res.writeHead(status, { 'Content-Type': 'application/problem+json' });
    res.end(JSON.stringify({ type: 'about:blank', title: 'Unavailable', status, detail: 'try again' }));
  };
  let asked = 0;
  const url = await answering((_req, res, nth) => {
    asked = nth;
    if (nth <= 2) refuse(res, nth === 1 ? 503 : 429, '0');
    else res.end('{"runs":[],"next_cursor":null}');
  });
  expect(await createClient({ url }).runs.list()).toEqual({ runs: [], next_cursor: null });
  expect(asked).toBe(3);
  const always = await answering((_req, res, nth) => {
    asked = nth;
    refuse(res, 503, '0');
  });
  expect((await failure(createClient({ url: always, retries: 2 }).me())).status).toBe(503);
  expect(asked).toBe(3);
  const post = createClient({ url: always }).alerts.ack(1, { by: 'Ana' });
  expect(await failure(post)).toMatchObject({ status: 503, retryAfterMs: 0 });
  expect(asked).toBe(4);
  const long = await answering((_req, res, nth) => {
    asked = nth;
    refuse(res, 429, '3600');
  });
  expect(await failure(createClient({ url: long }).me())).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
  expect(asked).toBe(1);
});

it('a signal ends a request and a wait with its own reason; a receiver that is silent ends with an error', async () => {
  const silent = await answering(() => undefined);
  const reason = new Error('enough');
  const stop = new AbortController();
  const asked = createClient({ url: silent }).me({ signal: stop.signal });
  stop.abort(reason);
  await expect(asked).rejects.toBe(reason);
  const busy = await answering((_req, res) => res.writeHead(503, { 'Retry-After': '30' }).end());
  const later = new AbortController();
  const waiting = createClient({ url: busy }).me({ signal: later.signal });
  setTimeout(() => later.abort(reason), 200);
  await expect(waiting).rejects.toBe(reason);
  expect(await failure(createClient({ url: silent, timeoutMs: 50 }).me())).toMatchObject({
    status: 0,
    title: 'Timed out',
  });
});

it('no message and no picture of the client holds the token, whoever answers', async () => {
  const token = 'rlt_secret_of_the_test';
  const echo = await answering((req, res, nth) => {
    const text = `you sent ${req.headers.authorization}`;
    if (nth % 2 === 1)
      res.writeHead(400, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify({ detail: text }));
    else res.writeHead(502, { 'Content-Type': 'text/html' }).end(`<p>${text}`);
  });
  const elsewhere = await answering((_req, res) => res.writeHead(302, { Location: `${echo}/?${token}` }).end());
  const gone = await answering((req) => req.socket.destroy());
  const failures = [];
  for (const url of [echo, echo, elsewhere, gone]) failures.push(await failure(createClient({ url, token }).me()));
  expect(failures.map((error) => error.status)).toEqual([400, 502, 302, 0]);
  expect(failures[0]?.detail).toBe('you sent Bearer [token]');
  const shown = [...failures, createClient({ url: echo, token })].map((one) =>
    inspect(one, { depth: 10, showHidden: true }),
  );
  expect(shown.join('\n')).not.toContain(token);
  const broken = (): Client => createClient({ url: echo, token: `${token}\n` });
  expect(broken).toThrow(TypeError);
  expect(broken).not.toThrow(token);
  expect(() => createClient({ url: `http://ana:${token}@127.0.0.1` })).toThrow('must not hold a user or password');
  expect(() => createClient({ url: 'localhost:8080' })).toThrow('must begin with http');
});

it('what cannot be asked for is a mistake that is named', async () => {
  expect((await failure(client.runs.list({ cursor: 'not-a-cursor' }))).status).toBe(400);
  await expect(client.runs.get('')).rejects.toThrow('is empty');
  await expect(client.runs.get('..')).rejects.toThrow('use its number');
});
