/** The API over real HTTP and a real database: who sees what, and that answers are true. */

import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { seedRun } from './api_seed.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

let api: ApiUnderTest;
const night = new Date('2026-11-22T01:30:05.000Z');
const KEYED_RUN = 2 ** 52 + 17;

beforeAll(async () => {
  api = await startApi();
  await seedRun(api.owner, { tenantId: TENANT_A, runId: 4711, startedAt: night, status: 'failed' });
  await seedRun(api.owner, { tenantId: TENANT_B, runId: 4711, startedAt: night });
  await seedRun(api.owner, { tenantId: TENANT_B, runId: KEYED_RUN, runKey: 'night/2026-11-22', startedAt: night });
  await deriveDue(api.owner, { now: new Date(night.getTime() + 3_600_000) });
});
afterAll(() => api.stop());

const READ_ROUTES = [
  '/runs',
  '/runs/4711',
  '/runs/4711/stats',
  '/runs/4711/metrics',
  '/export/run_events.csv?run_id=4711',
];
const ADMIN_ROUTES = [
  ['GET', '/tokens'],
  ['POST', '/tokens'],
  ['DELETE', '/tokens/1'],
  ['POST', '/tokens/1/rotate'],
  ['GET', '/tenants'],
  ['POST', '/tenants'],
  ['DELETE', '/tenants/7'],
  ['PATCH', '/tenants/7'],
  ['PUT', '/qa/settings'],
  ['GET', '/acts'],
  ['GET', '/ingest/health'],
] as const;

describe('who may do what', () => {
  it.each(READ_ROUTES)('%s: no token and dead tokens get 401, senders 403, readers 200', async (path) => {
    const status = async (token?: string) => (await api.get(path, token)).status;
    expect(await status()).toBe(401);
    expect(await status('rla_this-token-was-never-made')).toBe(401);
    expect(await status(api.tokens.revoked)).toBe(401);
    expect(await status(api.tokens.ingest)).toBe(403);
    expect(await status(api.tokens.writeOnly)).toBe(403);
    expect(await status(api.tokens.a)).toBe(200);
    expect([200, 409]).toContain(await status(api.tokens.admin));
  });

  it.each(ADMIN_ROUTES)('%s %s is for admins only', async (method, path) => {
    const status = async (token?: string) => (await api.get(path, token, { method })).status;
    expect(await status()).toBe(401);
    expect(await status(api.tokens.revoked)).toBe(401);
    for (const token of [api.tokens.a, api.tokens.ingest, api.tokens.writeOnly]) expect(await status(token)).toBe(403);
  });

  it('a 401 says how to ask', async () => {
    const answer = await api.get('/runs');
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(answer.headers.get('content-type')).toMatch(/application\/problem\+json/);
    expect(((await answer.json()) as { detail: string }).detail).toContain('runledger token create');
  });
});

describe('tenant walls', () => {
  it.each(['', '/stats', '/metrics'])("another tenant's run%s is 404, by id and by key", async (part) => {
    for (const ref of [String(KEYED_RUN), encodeURIComponent('night/2026-11-22')]) {
      expect((await api.get(`/runs/${ref}${part}`, api.tokens.b)).status).toBe(200);
      expect((await api.get(`/runs/${ref}${part}`, api.tokens.a)).status).toBe(404);
      expect((await api.get(`/runs/${ref}${part}?tenant=${TENANT_B}`, api.tokens.a)).status).toBe(404);
    }
  });

  it("another tenant's export is 404, and one's own holds no row of others", async () => {
    expect((await api.get(`/export/run_events.csv?run_id=${KEYED_RUN}`, api.tokens.a)).status).toBe(404);
    expect((await api.get(`/export/run_events.csv?run_id=4711&tenant=${TENANT_B}`, api.tokens.a)).status).toBe(404);
    const lines = (await (await api.get('/export/run_events.csv?run_id=4711', api.tokens.a)).text())
      .trim()
      .split('\n')
      .slice(1);
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.every((line) => line.startsWith(`4711,${TENANT_A},`))).toBe(true);
  });

  it('the list holds own runs only, and naming another tenant finds nothing', async () => {
    const { runs } = (await (await api.get('/runs', api.tokens.a)).json()) as { runs: { tenant_id: number }[] };
    expect(runs.map((run) => run.tenant_id)).toEqual([TENANT_A]);
    expect((await api.get(`/runs?tenant=${TENANT_B}`, api.tokens.a)).status).toBe(404);
    expect((await api.get(`/runs?tenant=${TENANT_A}`, api.tokens.a)).status).toBe(200);
  });

  it('a run id that several tenants have: 409 with the list for admins, ?tenant= tells them apart', async () => {
    const answer = await api.get('/runs/4711', api.tokens.admin);
    expect(answer.status).toBe(409);
    const { runs } = (await answer.json()) as { runs: { tenant_id: number; run_id: number }[] };
    expect(runs.map((run) => run.tenant_id)).toEqual([TENANT_A, TENANT_B]);
    for (const tenant of [TENANT_A, TENANT_B]) {
      const run = await (await api.get(`/runs/4711?tenant=${tenant}`, api.tokens.admin)).json();
      expect(run).toMatchObject({ tenant_id: tenant, run_id: 4711 });
    }
  });
});

describe('answers', () => {
  it('a run shows ids as numbers, times with microseconds in UTC, completeness and links', async () => {
    const run = await (await api.get('/runs/4711', api.tokens.a)).json();
    expect(run).toMatchObject({
      run_id: 4711,
      status: 'failed',
      complete: true,
      duration_ms: 724_000,
      started_at: '2026-11-22T01:30:05+00:00',
      sent: { stages: 6, items: 120, vendor_calls: 120, dropped: 0 },
      stored: { stages: 6, items: 120, vendor_calls: 120 },
      links: {
        jaeger: `http://127.0.0.1:16686/trace/${'ab'.repeat(16)}`,
        langsmith: expect.stringContaining('https://'),
      },
    });
    expect((run as { first_event_at: string }).first_event_at).toMatch(/\.\d{6}\+00:00$/);
  });

  it('stats equal sums over the events; money is decimal text, "at least" is said, no samples means null', async () => {
    const stats = (await (await api.get('/runs/4711/stats', api.tokens.a)).json()) as {
      stage_stats: Record<string, unknown>[];
      vendor_usage: Record<string, unknown>[];
    };
    const { rows } = await api.owner.query(
      `select vendor, sum(calls)::int as calls, trim_scale(coalesce(sum(cost_usd), 0))::text as cost_usd, bool_and(cost_usd is not null) as cost_complete
       from run_event_logs where tenant_id = $1 and run_id = 4711 and kind = 'vendor_call' group by vendor order by vendor`,
      [TENANT_A],
    );
    expect(stats.vendor_usage).toMatchObject(rows);
    expect(rows.map((row) => row.cost_complete)).toEqual([true, true, false]);
    const stage = (name: string) => stats.stage_stats.find((line) => line.stage === name);
    expect(stats.stage_stats.map((line) => line.stage)).toEqual([
      'mv_refresh',
      'select_targets',
      'crawl',
      'verify_emails',
      'score',
      'export_odoo',
    ]);
    expect(stage('verify_emails')).toMatchObject({ cost_complete: false, cost_usd: '0', count_total: 40 });
    expect(stage('score')).toMatchObject({ cost_complete: true, cost_usd: expect.stringMatching(/^\d+\.\d+$/) });
    expect(stage('crawl')).toMatchObject({ duration_samples: 40, duration_class: 'item', p95_ms: expect.any(Number) });
  });

  it('percentiles over nothing are null, not 0', async () => {
    await api.owner.query(
      `insert into run_stage_stats (run_id, tenant_id, stage) values (4711, $1, 'never_measured')`,
      [TENANT_A],
    );
    const stats = (await (await api.get('/runs/4711/stats', api.tokens.a)).json()) as {
      stage_stats: { stage: string }[];
    };
    expect(stats.stage_stats.find((line) => line.stage === 'never_measured')).toMatchObject({
      p50_ms: null,
      p95_ms: null,
      p99_ms: null,
    });
  });

  it('metrics are one object of numbers', async () => {
    const { metrics } = (await (await api.get('/runs/4711/metrics', api.tokens.a)).json()) as { metrics: object };
    expect(metrics).toEqual({
      candidates_considered: 12480,
      candidates_selected: 40,
      emails_found: 37,
      emails_verified: 21,
    });
  });

  it('a run without metrics answers an empty object', async () => {
    await api.owner.query('insert into enrichment_runs (run_id, tenant_id) values (5, $1)', [TENANT_B]);
    expect(await (await api.get('/runs/5/metrics', api.tokens.b)).json()).toMatchObject({ metrics: {} });
    expect(await (await api.get('/runs/5/stats', api.tokens.b)).json()).toMatchObject({
      stage_stats: [],
      vendor_usage: [],
    });
    expect(
      (await (await api.get('/export/run_events.csv?run_id=5', api.tokens.b)).text()).trim().split('\n'),
    ).toHaveLength(1);
    await api.owner.query('delete from enrichment_runs where run_id = 5 and tenant_id = $1', [TENANT_B]);
  });
});

describe('the server around it', () => {
  it('health and the start page need no token; readiness says what is wrong', async () => {
    expect(await (await api.get('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await api.get('/readyz')).status).toBe(200);
    api.readiness.ready = false;
    const away = await api.get('/readyz');
    expect(away.status).toBe(503);
    expect(await away.json()).toEqual({ ready: false, checks: { database: 'away' } });
    api.readiness.ready = true;
    // The dashboard where it is built, else a page that says what is here.
    expect(await (await api.get('/', undefined, { headers: { Accept: 'text/html' } })).text()).toContain('Runledger');
    expect(await (await api.get('/')).json()).toMatchObject({ name: 'runledger' });
  });

  it('a foreign Host name on loopback is turned away, so that a rebound web page reaches nothing', async () => {
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:80']) {
      expect(await statusWithHost(api.url, host)).toBe(421);
    }
    for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:9']) {
      expect(await statusWithHost(api.url, host)).toBe(200);
    }
  });

  it('beyond loopback /metrics needs an admin token and any Host is taken', async () => {
    const open = await startApi({ bindHost: '0.0.0.0' });
    try {
      expect((await open.get('/metrics')).status).toBe(401);
      expect((await open.get('/metrics', open.tokens.a)).status).toBe(403);
      expect((await open.get('/metrics', open.tokens.admin)).status).toBe(200);
      expect(await statusWithHost(open.url, 'ledger.example')).toBe(200);
    } finally {
      await open.stop();
    }
    expect((await api.get('/metrics')).status).toBe(200);
  });

  it('answers carry protective headers, and private ones are not cached', async () => {
    const answer = await api.get('/runs', api.tokens.a);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  it('a statement that takes too long is 503 with Retry-After, and says nothing of the inside', async () => {
    const slow = await startApi({ statementTimeoutMs: 200 });
    const blocker = await slow.owner.connect();
    try {
      await blocker.query('begin; lock table enrichment_runs in access exclusive mode');
      const answer = await slow.get('/runs', slow.tokens.a);
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.text()).not.toMatch(/statement|57014|\.ts|select/i);
    } finally {
      await blocker.query('rollback');
      blocker.release();
      await slow.stop();
    }
  });

  it('a database that goes away is 503, and the API is back when it is', async () => {
    await api.owner
      .query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      )
      .catch(() => undefined);
    const statuses = new Set<number>();
    for (let n = 0; n < 20; n++) statuses.add((await api.get('/runs', api.tokens.a)).status);
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
    expect((await api.get('/runs', api.tokens.a)).status).toBe(200);
  });
});

function statusWithHost(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${url}/healthz`, { headers: { Host: host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}
