/** Every route answers what it says it answers: no member missing, none too many, nothing of another tenant, and none left out of this test. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Route } from '../../receiver/serve/route.ts';
import { apiRoutes } from '../../receiver/serve/routes.ts';
import { runbookRoutes } from '../../receiver/serve/runbooks.ts';
import { KEY_OF_B, KEYED_RUN, type Scene, seedScene } from './api_scene.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

let api: ApiUnderTest;
let scene: Scene;
let routes: Route[];

beforeAll(async () => {
  api = await startApi();
  scene = await seedScene(api.owner);
  routes = apiRoutes({
    ...api,
    jaegerUiUrl: null,
    storedKey: (key) => key,
    receiverHealth: () => null,
    signals: null,
    version: '0',
  });
});
afterAll(() => api.stop());

/** Requests that each GET route answers with 200 for tenant A (and an admin who names it); {alert} is an alert of the asking tenant. */
const ASKED: Record<string, string[]> = {
  '/runs': ['/runs', '/runs?environment=production&q=47&has_alerts=true&limit=2', '/runs?has_alerts=false'],
  '/runs/:id': ['/runs/4711', '/runs/4710'],
  '/runs/:id/stats': ['/runs/4711/stats'],
  '/runs/:id/metrics': ['/runs/4711/metrics'],
  '/runs/:id/compare': ['/runs/4711/compare', '/runs/4711/compare?with=4709'],
  '/pipelines': ['/pipelines'],
  '/runs/:id/events': [
    '/runs/4711/events',
    '/runs/4711/events?stage=crawl&kind=item&status=ok&sort=-ts&limit=5',
    '/runs/4711/events?kind=vendor_call&vendor=openai&sort=slowest&limit=5',
    '/runs/4711/events?status=error&error_code=X&event=finish&item=1',
  ],
  '/runs/:id/errors': ['/runs/4711/errors'],
  '/runs/:id/timeline': ['/runs/4711/timeline', '/runs/4711/timeline?steps=7'],
  '/runs/:id/durations': ['/runs/4711/durations?stage=crawl', '/runs/4711/durations?vendor=openai'],
  '/export/run_events.csv': ['/export/run_events.csv?run_id=4711'],
  '/export/run_events.jsonl': ['/export/run_events.jsonl?run_id=4711'],
  '/export/run_events.parquet': ['/export/run_events.parquet?run_id=4711'],
  '/export/qa.csv': ['/export/qa.csv?run_id=4711'],
  '/export/qa.parquet': ['/export/qa.parquet?run_id=4711'],
  '/qa': ['/qa', '/qa?run=4711&result=pass&bucket=high&limit=3&pipeline=nightly_enrichment'],
  '/qa/summary': ['/qa/summary', '/qa/summary?run=4711'],
  '/qa/settings': ['/qa/settings'],
  '/alerts': [
    '/alerts',
    '/alerts?state=firing,acked&pipeline=nightly_enrichment&environment=production&limit=1',
    '/alerts?run=4711&code=CR-02',
  ],
  '/alerts/:id': ['/alerts/{alert}'],
  '/tenants/:id': ['/tenants/{tenant}'],
  '/tenants/:id/overview': ['/tenants/{tenant}/overview'],
  '/tenants/:id/quota': ['/tenants/{tenant}/quota'],
  '/trends': ['/trends', '/trends?by=day&weeks=2&pipeline=nightly_enrichment&environment=production'],
  '/trends/costs': [
    '/trends/costs',
    '/trends/costs?by=month&weeks=12&pipeline=nightly_enrichment&environment=production',
  ],
  '/budgets': ['/budgets'],
  '/metrics/tenants': ['/metrics/tenants'],
  '/me': ['/me'],
};
const ADMIN_ASKED: Record<string, string[]> = {
  '/ingest/health': ['/ingest/health'],
  '/acts': ['/acts', '/acts?act=alert_ack&limit=1'],
  '/channels': ['/channels'],
  '/rules': ['/rules'],
  '/tokens': ['/tokens'],
  '/tenants': ['/tenants'],
};

function fill(path: string, tenant: 'a' | 'b'): string {
  return path
    .replace('{alert}', String(scene.alertOf[tenant]))
    .replace('{tenant}', String(tenant === 'a' ? TENANT_A : TENANT_B));
}

function routeOf(path: string): Route {
  const found = routes.find((route) => route.method === 'get' && route.path === path);
  if (found === undefined) throw new Error(`there is no route GET ${path}`);
  return found;
}

const cases = Object.entries(ASKED).flatMap(([path, asked]) => asked.map((request) => ({ path, request })));
const adminCases = Object.entries(ADMIN_ASKED).flatMap(([path, asked]) => asked.map((request) => ({ path, request })));

it('no GET route is left out of this test', () => {
  const gets = routes.filter((route) => route.method === 'get');
  expect(gets.map((route) => route.path).sort()).toEqual([...Object.keys(ASKED), ...Object.keys(ADMIN_ASKED)].sort());
  for (const route of gets)
    expect([route.path, route.access === 'admin']).toEqual([route.path, route.path in ADMIN_ASKED]);
});

async function expectShape(route: Route, answer: Response, request: string): Promise<unknown> {
  expect(answer.status, `${request} ${answer.ok ? '' : await answer.clone().text()}`).toBe(200);
  if (!(route.answer instanceof z.ZodType)) return answer.text();
  const body = await answer.json();
  const parsed = route.answer.safeParse(body);
  expect(parsed.error?.issues ?? [], request).toEqual([]);
  // A member that the schema does not know is dropped by it.
  expect(parsed.data, request).toEqual(body);
  return body;
}

describe('answers have the shape that the document states', () => {
  it.each(cases)('$request, as a tenant and as an admin who names it', async ({ path, request }) => {
    const asked = fill(request, 'a');
    await expectShape(routeOf(path), await api.get(asked, api.tokens.a), asked);
    const takesTenant = !['/alerts/:id', '/tenants/:id', '/tenants/:id/overview', '/tenants/:id/quota', '/me'].includes(
      path,
    );
    const named = takesTenant ? `${asked}${asked.includes('?') ? '&' : '?'}tenant=${TENANT_A}` : asked;
    await expectShape(routeOf(path), await api.get(named, api.tokens.admin), named);
  });

  it.each(adminCases)('$request, as an admin', async ({ path, request }) => {
    await expectShape(routeOf(path), await api.get(request, api.tokens.admin), request);
  });
});

describe('walls', () => {
  it.each(cases)('$request: dead tokens 401, senders 403, nothing of the other tenant', async ({ path, request }) => {
    const [a, b] = [fill(request, 'a'), fill(request, 'b')];
    for (const token of [undefined, 'rlt_this-token-was-never-made', api.tokens.revoked, api.tokens.expired]) {
      expect((await api.get(a, token)).status).toBe(401);
    }
    expect((await api.get(a, api.tokens.ingest)).status).toBe(403);
    // A write-only token may ask who it is, and no more.
    expect((await api.get(a, api.tokens.writeOnly)).status).toBe(path === '/me' ? 200 : 403);
    for (const [asked, token, others] of [
      [a, api.tokens.a, TENANT_B],
      [b, api.tokens.b, TENANT_A],
    ] as const) {
      const text = await (await api.get(asked, token)).text();
      expect(text).not.toContain(`"tenant_id":${others}`);
      expect(text).not.toContain(`secret-of-${others}`);
      expect(text).not.toMatch(new RegExp(`(Reviewer|Ana) of ${others}`));
    }
    if (a !== b) expect((await api.get(b, api.tokens.a)).status).toBe(404);
  });

  it.each(adminCases)('$request is for admins only', async ({ request }) => {
    expect((await api.get(request)).status).toBe(401);
    for (const token of [api.tokens.a, api.tokens.b, api.tokens.ingest, api.tokens.writeOnly]) {
      expect((await api.get(request, token)).status).toBe(403);
    }
    for (const token of [api.tokens.revoked, api.tokens.expired])
      expect((await api.get(request, token)).status).toBe(401);
  });

  it.each(cases.filter(({ path }) => path.startsWith('/runs/:id')))(
    '$request of a run that only the other tenant has is 404, by id and by key',
    async ({ request }) => {
      for (const ref of [String(KEYED_RUN), encodeURIComponent(KEY_OF_B)]) {
        const asked = request.replace(/4711|4710/, ref).replace('with=4709', 'with=4711');
        expect((await api.get(asked, api.tokens.a)).status, asked).toBe(404);
        expect((await api.get(asked, api.tokens.b)).status, asked).toBe(200);
      }
    },
  );

  it('naming another tenant finds nothing, whatever is asked', async () => {
    for (const path of [
      '/runs',
      '/pipelines',
      '/qa',
      '/qa/summary',
      '/qa/settings',
      '/alerts',
      '/trends',
      '/metrics/tenants',
    ]) {
      expect((await api.get(`${path}?tenant=${TENANT_B}`, api.tokens.a)).status, path).toBe(404);
    }
    expect((await api.get(`/tenants/${TENANT_B}/overview`, api.tokens.a)).status).toBe(404);
    expect((await api.get(`/qa?run=${KEYED_RUN}`, api.tokens.a)).status).toBe(404);
    expect((await api.get(`/alerts?run=${KEYED_RUN}`, api.tokens.a)).status).toBe(404);
    expect((await api.get(`/runs/4711/compare?with=${KEYED_RUN}`, api.tokens.a)).status).toBe(404);
  });
});

it('a method that a path does not have is 405 and says which it has', async () => {
  const answer = await api.get('/runs/4711/stats', api.tokens.a, { method: 'DELETE' });
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe('GET, HEAD');
});

it('runbooks need no token, and nothing but runbooks is read', async () => {
  const { runbooks } = (await (await api.get('/runbooks')).json()) as { runbooks: { code: string; title: string }[] };
  expect(runbooks.length).toBeGreaterThan(0);
  for (const { code } of runbooks) {
    const answer = await api.get(`/runbooks/${code}`);
    expect(answer.headers.get('content-type')).toContain('text/markdown');
    expect(await answer.text()).toContain('# ');
  }
  for (const code of ['README', '..%2F..%2Fpackage.json', 'XX-99']) {
    expect((await api.get(`/runbooks/${code}`)).status).toBe(404);
  }
});

describe('the link of a message, followed without signing in', () => {
  const BROWSERS = [
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  ];
  const PROGRAMS = [undefined, '*/*', 'application/json, */*;q=0.5', 'text/markdown', 'text/plain, */*'];

  async function withRunbooks(hasUi: boolean, work: (url: string) => Promise<void>): Promise<void> {
    const server = createServer(express().use(runbookRoutes(hasUi)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/runbooks/CR-02`);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
  const follow = (url: string, accept: string | undefined) =>
    fetch(url, { redirect: 'manual', ...(accept === undefined ? {} : { headers: { Accept: accept } }) });

  it('leads a browser to the page of the runbook, and gives programs its text', async () => {
    await withRunbooks(true, async (url) => {
      for (const accept of BROWSERS) {
        const answer = await follow(url, accept);
        expect([answer.status, answer.headers.get('location')]).toEqual([302, '/ui/runbooks/CR-02']);
        // A cache in between must not give a program what was meant for a browser.
        expect(answer.headers.get('vary')).toContain('Accept');
      }
      for (const accept of PROGRAMS) {
        const answer = await follow(url, accept);
        expect([accept, answer.status, answer.headers.get('content-type')]).toEqual([
          accept,
          200,
          'text/markdown; charset=utf-8',
        ]);
        expect(await answer.text()).toMatch(/^# CR-02/);
      }
    });
  });

  it('gives everybody the text where there is no dashboard', async () => {
    await withRunbooks(false, async (url) => {
      for (const accept of [...BROWSERS, ...PROGRAMS]) {
        const answer = await follow(url, accept);
        expect([answer.status, (await answer.text()).slice(0, 7)]).toEqual([200, '# CR-02']);
      }
    });
  });
});
