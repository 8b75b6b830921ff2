/** Quotas on a whole receiver: over HTTP and gRPC, set by API and command while it runs, with a real exporter, and where people see them. */

import { execFile } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Span } from '../../receiver/decode/shape.ts';
import { item, run, setup, stage } from '../../sdk/index.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { grpcClient } from '../helpers/grpc_client.ts';
import { requestWith, traceBody } from '../helpers/otlp.ts';
import { parsePrometheus } from '../helpers/prometheus.ts';
import { items } from '../helpers/quota_scene.ts';
import { OTHER, type Stories, startStories, TENANT } from '../helpers/run_stories.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
let scene: Stories;
let otherWrites: string;
beforeAll(async () => {
  scene = await startStories();
  otherWrites = scene.tokens.other;
});
afterAll(() => scene.close());
beforeEach(async () => expect((await setQuota({})).status).toBe(200));
afterEach(() => vi.unstubAllEnvs());

const setQuota = (quota: unknown, tenant: number | string = TENANT, token = scene.receiver.adminToken) =>
  scene.ask('PUT', `/tenants/${tenant}/quota`, quota, token);

interface QuotaAnswer {
  limits: Record<string, number | null>;
  set: string[];
  use: Record<string, number | null>;
  held: { quota: string; requests: number; last_at: string }[];
}
async function quotaOf(tenant: number, token: string): Promise<QuotaAnswer> {
  const answer = await scene.ask('GET', `/tenants/${tenant}/quota`, undefined, token);
  expect(answer.status).toBe(200);
  return (await answer.json()) as QuotaAnswer;
}

const post = (spans: readonly Span[], token = scene.tokens.own) =>
  fetch(`${scene.receiver.urls.otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/x-protobuf' },
    body: Buffer.from(traceBody(requestWith(...spans), 'protobuf')),
  });
const statusOf = async (spans: readonly Span[], token?: string) => (await post(spans, token)).status;
/** The receiver holds what was set: from now on a large request brings a debt that lasts. */
async function untilHeld(): Promise<void> {
  await expect
    .poll(async () => ((await post(items(200, TENANT, 'debt'))).status === 429 ? 'held' : 'free'), PATIENCE)
    .toBe('held');
}

test('over HTTP 429 with Retry-After, over gRPC RESOURCE_EXHAUSTED with RetryInfo; a tenant with its own token goes on', async () => {
  await setQuota({ spans_per_second: 10 });
  await untilHeld();
  const refused = await post(items(1, TENANT, 'debt'));
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(3);
  const client = grpcClient(scene.receiver.urls.otlpGrpc);
  try {
    const body = (tenant: number) => traceBody(requestWith(...items(1, tenant, 'debt')), 'protobuf');
    const answer = await client.export('traces', body(TENANT), scene.tokens.own);
    expect(answer).toMatchObject({ code: 8, status: { code: 8 } });
    expect(answer.message).toMatch(/More spans per second than the quota/);
    const seconds = (answer.status?.details.RetryInfo as { retryDelay: { seconds: number } } | undefined)?.retryDelay
      .seconds;
    expect([1, 2, 3]).toContain(seconds);
    expect((await client.export('traces', body(OTHER), otherWrites)).code).toBe(0);
    for (let requests = 0; requests < 20; requests++)
      expect(await statusOf(items(5, OTHER, 'quiet'), otherWrites)).toBe(200);
  } finally {
    client.close();
  }
  // Raised while it runs, and nothing has to be started anew.
  await setQuota({ spans_per_second: 1_000_000 });
  await expect.poll(() => statusOf(items(1, TENANT, 'debt')), PATIENCE).toBe(200);
});

test('a pipeline with a real exporter that is louder than its quota has every span in the end, once', async () => {
  await setQuota({ spans_per_second: 100, burst_spans: 20 });
  await untilHeld();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', scene.receiver.urls.otlpHttp);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `Authorization=Bearer ${scene.tokens.own}`);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf');
  vi.stubEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '60');
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '50');
  const telemetry = setup({ exitHooks: false });
  await run({ tenant: TENANT, pipeline: 'loud', id: 'loud-1' }, () =>
    stage('crawl', () => {
      for (let id = 0; id < 300; id++) item(id, () => undefined);
    }),
  );
  const lines = async () => {
    const { rows } = await scene.owner.query<{ items: number; complete: boolean | null }>(
      `select (select count(*)::int from public.run_event_logs e where e.tenant_id = r.tenant_id and e.run_id = r.run_id and e.kind = 'item') as items,
         r.complete from public.enrichment_runs r where r.tenant_id = $1 and r.run_key = 'loud-1'`,
      [TENANT],
    );
    return rows[0];
  };
  await expect.poll(lines, PATIENCE).toEqual({ items: 300, complete: true });
  await telemetry.shutdown();
  expect((await quotaOf(TENANT, scene.tokens.own)).held).toEqual([
    expect.objectContaining({ quota: 'spans_per_second', requests: expect.any(Number) }),
  ]);
});

test('what quotas held shows in the metrics, in ingest health and to the tenant itself, and of no other tenant', async () => {
  await setQuota({ spans_per_second: 1, burst_spans: 1 });
  await untilHeld();
  await expect.poll(async () => (await quotaOf(TENANT, scene.tokens.read)).held.length, PATIENCE).toBeGreaterThan(0);
  const admin = scene.receiver.adminToken;
  const text = async (path: string, token: string) => (await scene.ask('GET', path, undefined, token)).text();
  const process = parsePrometheus(await text('/metrics', admin)).samples;
  const total = process.filter(({ name }) => name === 'runledger_receiver_held_requests_total');
  expect(total.map(({ labels }) => labels.quota).sort()).toEqual(['open_runs', 'parked_bytes', 'spans_per_second']);
  expect(total.find(({ labels }) => labels.quota === 'spans_per_second')?.value).toBeGreaterThan(0);
  const ofTenant = (token: string) =>
    text('/metrics/tenants', token).then((body) =>
      parsePrometheus(body).samples.filter(({ name }) => name === 'runledger_tenant_held_requests'),
    );
  expect(await ofTenant(scene.tokens.own)).toEqual([
    {
      name: 'runledger_tenant_held_requests',
      labels: { tenant: String(TENANT), quota: 'spans_per_second' },
      value: expect.any(Number),
    },
  ]);
  expect(await ofTenant(scene.tokens.other)).toEqual([]);
  const health = JSON.parse(await text('/ingest/health', admin)) as {
    held: { tenant_id: number; quota: string }[];
    receiver: { held: Record<string, number> };
  };
  expect(health.held).toEqual([expect.objectContaining({ tenant_id: TENANT, quota: 'spans_per_second' })]);
  expect(health.receiver.held.spans_per_second).toBeGreaterThan(0);
});

test('a run begun by the API waits for a place like any other', async () => {
  await setQuota({ open_runs: 1 });
  const begin = (key: string) => scene.ask('POST', '/runs', { pipeline: 'nightly', run_key: key });
  await scene.owner.query(
    "update public.enrichment_runs set status = 'abandoned' where tenant_id = $1 and status = 'running'",
    [TENANT],
  );
  let held = '';
  await expect
    .poll(async () => {
      const key = `begun ${Math.random()}`;
      const { status } = await begin(key);
      if (status === 429) held = key;
      return status;
    }, PATIENCE)
    .toBe(429);
  const refused = await begin(held);
  expect(refused.headers.get('retry-after')).toBe('3');
  expect(((await refused.json()) as { detail: string }).detail).toMatch(/as many runs open as its quota/);
  expect((await quotaOf(TENANT, scene.tokens.own)).use.open_runs).toBeGreaterThanOrEqual(1);
  const { rows } = await scene.owner.query<{ run_key: string }>(
    "select run_key from public.enrichment_runs where tenant_id = $1 and status = 'running'",
    [TENANT],
  );
  for (const { run_key } of rows) expect((await scene.cancel(encodeURIComponent(run_key))).status).toBe(200);
  expect((await begin(held)).status).toBe(201);
});

test('a tenant reads its own quota and nobody else’s, and sets none', async () => {
  expect((await setQuota({ stages_per_run: 20, parked_bytes: 2 ** 20 })).status).toBe(200);
  const own = await quotaOf(TENANT, scene.tokens.read);
  expect(own.set).toEqual(['stages_per_run', 'parked_bytes']);
  expect(own.limits).toEqual({
    spans_per_second: null,
    burst_spans: null,
    open_runs: null,
    stages_per_run: 20,
    vendors_per_run: 100,
    parked_bytes: 2 ** 20,
  });
  expect(own.use).toMatchObject({ parked_rows: null, parked_bytes: null });
  expect((await quotaOf(TENANT, scene.receiver.adminToken)).use).toMatchObject({ parked_rows: 0, parked_bytes: 0 });
  expect((await scene.ask('GET', `/tenants/${TENANT}/quota`, undefined, scene.tokens.other)).status).toBe(404);
  for (const token of [scene.tokens.own, scene.tokens.other])
    expect((await setQuota({ open_runs: 9 }, TENANT, token)).status).toBe(403);
  expect((await setQuota({}, 'nobody')).status).toBe(404);
  expect((await quotaOf(TENANT, scene.tokens.read)).limits.open_runs).toBeNull();
});

test.each([
  [{ spans_per_second: 0 }, 'spans_per_second is below 1'],
  [{ spans_per_second: -5 }, 'spans_per_second is below 1'],
  [{ spans_per_second: 1.5 }, 'spans_per_second'],
  [{ spans_per_second: 1e9 }, 'spans_per_second is above 1000000'],
  [{ spans_per_second: '50' }, 'spans_per_second'],
  [{ burst_spans: Number.MAX_SAFE_INTEGER }, 'burst_spans is above'],
  [{ stages_per_run: 201 }, 'stages_per_run is above 200'],
  [{ vendors_per_run: 101 }, 'vendors_per_run is above 100'],
  [{ open_runs: 0 }, 'open_runs is below 1'],
  [{ parked_bytes: 1 }, 'parked_bytes is below 1048576'],
  [{ tenant_id: OTHER }, 'tenant_id is not known here'],
  [[], 'The request'],
])('PUT with %j is a 400 about %s and changes nothing', async (body, about) => {
  await setQuota({ open_runs: 4 });
  const answer = await setQuota(body);
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as { detail: string }).detail).toContain(about);
  expect((await quotaOf(TENANT, scene.tokens.own)).limits).toMatchObject({ open_runs: 4, spans_per_second: null });
});

test('the command shows, sets and takes back limits, says what is wrong with one, and leaves a record', async () => {
  await setQuota({ vendors_per_run: 7 });
  const quota = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { ...process.env, DATABASE_URL: scene.receiver.databaseUrl, NO_COLOR: '1' };
      execFile(process.execPath, [...CLI_PROGRAM, 'tenant', 'quota', ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      );
    });
  const set = await quota(String(TENANT), '--spans-per-second', '500', '--open-runs', '20', '--json');
  expect(JSON.parse(set.stdout)).toMatchObject({
    tenant_id: TENANT,
    limits: { spans_per_second: 500, burst_spans: 5_000, open_runs: 20, vendors_per_run: 7 },
    set: ['spans_per_second', 'open_runs', 'vendors_per_run'],
  });
  const shown = (await quota(String(TENANT), '--default', 'open-runs', 'vendors-per-run')).stdout;
  expect(shown).toMatch(/spans-per-second +500 +yes/);
  expect(shown).toMatch(/open-runs +none +default/);
  expect(shown).toMatch(/vendors-per-run +100 +default/);
  const wrong = await quota(String(TENANT), '--stages-per-run', '500');
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toContain('--stages-per-run must be a whole number from 1 to 200, not "500"');
  expect((await quota(String(TENANT), '--default', 'everything')).stderr).toContain('--default takes spans-per-second');
  expect((await quota('nobody', '--open-runs', '3')).code).not.toBe(0);
  const acts = await scene.ask(
    'GET',
    `/acts?act=tenant_quota&tenant=${TENANT}&limit=2`,
    undefined,
    scene.receiver.adminToken,
  );
  expect((await acts.json()) as object).toMatchObject({
    acts: [
      {
        object: `tenant ${TENANT}`,
        details: { from: { open_runs: 20, vendors_per_run: 7 }, to: { open_runs: null, vendors_per_run: null } },
      },
      { details: { from: { spans_per_second: null, open_runs: null }, to: { spans_per_second: 500, open_runs: 20 } } },
    ],
  });
});
