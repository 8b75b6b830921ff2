/** /openapi.json holds every route with what it takes and gives, and the server around the routes keeps its word: ETags, rates, methods. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiRoutes } from '../../receiver/serve/routes.ts';
import { seedRun } from './api_seed.ts';
import { type ApiUnderTest, startApi, TENANT_A } from './api_server.ts';

interface Operation {
  operationId: string;
  summary: string;
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: { properties?: object } }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

let api: ApiUnderTest;
let document: Document;

beforeAll(async () => {
  api = await startApi();
  await seedRun(api.owner, { tenantId: TENANT_A, runId: 1, startedAt: new Date('2026-11-22T01:30:05Z') });
  document = (await (await api.get('/openapi.json')).json()) as Document;
});
afterAll(() => api.stop());

const operations = (): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
  );

it('every route is there with its parameters, its body, its answer and its errors', () => {
  const nothing = { jaegerUiUrl: null, storedKey: (key: string) => key, receiverHealth: () => null, signals: null };
  const routes = apiRoutes({ ...api, ...nothing, version: '0' });
  expect(routes.length).toBeGreaterThan(25);
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const operation = document.paths[path]?.[route.method];
    expect(operation, `${route.method} ${path}`).toBeDefined();
    const answer = operation?.responses[String(route.status)];
    expect(answer?.content === undefined, `${route.method} ${path}`).toBe(route.answer === null);
    expect(operation?.requestBody === undefined).toBe(route.body === null);
    for (const status of ['401', '403', '404', '429', '503']) expect(operation?.responses[status]).toBeDefined();
  }
});

it('each operation has a name of its own, and its path parameters are those of its path', () => {
  const names = operations().map(([, , operation]) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const [path, method, operation] of operations()) {
    const inPath = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
    expect([...path.matchAll(/\{\w+\}/g)].map(([name]) => name).sort(), `${method} ${path}`).toEqual(inPath.sort());
    for (const parameter of operation.parameters) expect(Object.keys(parameter.schema).length).toBeGreaterThan(0);
  }
});

it('references lead somewhere, and nothing in it is of another dialect', () => {
  const text = JSON.stringify(document);
  expect(document.openapi).toBe('3.1.0');
  expect(new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref))).toEqual(
    new Set(['#/components/schemas/Problem']),
  );
  expect(text).not.toContain('"nullable"');
});

it('an answer that did not change is 304 for whoever shows its ETag', async () => {
  for (const path of ['/runs', '/runs/1', '/runs/1/stats', '/runs/1/events?limit=5']) {
    const first = await api.get(path, api.tokens.a);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"/);
    const again = await api.get(path, api.tokens.a, { headers: { 'If-None-Match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect(again.headers.get('cache-control')).toBe('no-store');
  }
  const etag = (await api.get('/runs/1', api.tokens.a)).headers.get('etag') ?? '';
  await api.owner.query("update enrichment_runs set note = 'changed' where run_id = 1");
  expect((await api.get('/runs/1', api.tokens.a, { headers: { 'If-None-Match': etag } })).status).toBe(200);
});

it('one token that asks too often is told when to go on, and the others are not in its way', async () => {
  const limited = await startApi({ requestsPerMinute: 5 });
  try {
    const statuses: number[] = [];
    for (let n = 0; n < 7; n++) statuses.push((await limited.get('/runs', limited.tokens.a)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    const refused = await limited.get('/runs', limited.tokens.a);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ status: 429, title: 'Too many requests' });
    expect((await limited.get('/runs', limited.tokens.b)).status).toBe(200);
  } finally {
    await limited.stop();
  }
});

it('long answers are compressed for whoever takes that, short ones are not, and their ETag holds either way', async () => {
  const path = '/runs/1/events?limit=200';
  const ask = (encoding: string, tag?: string) =>
    api.get(path, api.tokens.a, {
      headers: { 'Accept-Encoding': encoding, ...(tag === undefined ? {} : { 'If-None-Match': tag }) },
    });
  const [plain, packed] = [await ask('identity'), await ask('gzip')];
  expect([plain.headers.get('content-encoding'), packed.headers.get('content-encoding')]).toEqual([null, 'gzip']);
  expect(packed.headers.get('vary')).toContain('Accept-Encoding');
  expect(packed.headers.get('etag')).toBe(plain.headers.get('etag'));
  expect(Number(packed.headers.get('content-length'))).toBeLessThan(Number(plain.headers.get('content-length')) / 4);
  expect(await packed.text()).toBe(await plain.text());
  expect((await ask('gzip', packed.headers.get('etag') ?? '')).status).toBe(304);
  const short = await api.get('/me', api.tokens.a, { headers: { 'Accept-Encoding': 'gzip' } });
  expect(short.headers.get('content-encoding')).toBeNull();
});
