/** GET /metrics/tenants says what the ledger says, to those who may know, in bounds; and the shipped alert rules ask for what is there. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../receiver/metrics.ts';
import { metricsOfExpression, parsePrometheus, type Sample } from '../helpers/prometheus.ts';
import { type Scene, seedScene } from './api_scene.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

const HOSTILE = 'night\\ly "x"\nrunledger_run_success{tenant="9"} 1\r\t{} \u2028é';
const MANY = 1_000;

let api: ApiUnderTest;
let scene: Scene;

beforeAll(async () => {
  api = await startApi();
  scene = await seedScene(api.owner);
});
afterAll(() => api.stop());

async function scrape(token: string, query = '') {
  const answer = await api.get(`/metrics/tenants${query}`, token);
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain;.*version=0\.0\.4/);
  return parsePrometheus(await answer.text());
}

const matching = (samples: Sample[], name: string, labels: Record<string, string> = {}) =>
  samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  );

function sampleOf(samples: Sample[], name: string, labels: Record<string, string> = {}): number | undefined {
  const found = matching(samples, name, labels);
  expect(found.length, `${name} ${JSON.stringify(labels)}`).toBeLessThanOrEqual(1);
  return found[0]?.value;
}

const insertRun = `
insert into enrichment_runs (tenant_id, run_id, pipeline, environment, status, started_at, ended_at, last_received_at, excluded)
values ($1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz, coalesce($7::timestamptz, $6::timestamptz), $8)`;
async function addRun(tenantId: number, runId: number, run: Partial<Record<string, unknown>>) {
  const { pipeline = 'p', environment = null, status = 'succeeded', at = new Date(), excluded = false } = run;
  const startedAt = at as Date;
  const endedAt = status === 'running' ? null : new Date(startedAt.getTime() + 90_500);
  const values = [tenantId, runId, pipeline, environment, status, startedAt, endedAt, excluded];
  await api.owner.query(insertRun, values);
}

describe('values', () => {
  it('are those of the latest run in its own answer, not of the nights before', async () => {
    const { samples } = await scrape(api.tokens.a);
    const [run] = ((await (await api.get('/runs?limit=1', api.tokens.a)).json()) as { runs: RunLine[] }).runs;
    if (run === undefined) throw new Error('no run');
    const of = { tenant: String(TENANT_A), pipeline: 'nightly_enrichment', environment: 'production' };
    const value = (name: string) => sampleOf(samples, `runledger_${name}`, of);
    expect(run.run_id).toBe(scene.runId);
    expect(value('run_success')).toBe(0);
    expect(value('run_degraded')).toBe(run.degraded ? 1 : 0);
    expect(value('run_duration_seconds')).toBe(724);
    expect(value('run_cost_usd')).toBeCloseTo(Number(run.cost_usd), 9);
    expect(value('run_cost_usd')).toBeGreaterThan(0);
    expect(value('run_cost_complete')).toBe(run.cost_complete ? 1 : 0);
    expect([value('run_items'), value('run_errors')]).toEqual([run.items, run.stage_errors]);
    expect(value('run_errors')).toBeGreaterThan(0);
    expect(value('run_last_end_timestamp_seconds')).toBe((scene.nights[0]?.getTime() ?? 0) / 1000 + 724);
    expect(value('run_last_success_timestamp_seconds')).toBe((scene.nights[1]?.getTime() ?? 0) / 1000 + 724);
    expect(value('runs_running')).toBe(0);
    expect(matching(samples, 'runledger_run_success')).toHaveLength(1);
  });

  it('of vendors are those of the latest run', async () => {
    const { samples } = await scrape(api.tokens.a);
    const stats = (await (await api.get('/runs/4711/stats', api.tokens.a)).json()) as { vendor_usage: VendorLine[] };
    expect(stats.vendor_usage.length).toBeGreaterThan(2);
    for (const usage of stats.vendor_usage) {
      const value = (name: string) => sampleOf(samples, `runledger_vendor_${name}`, { vendor: usage.vendor });
      expect(value('calls')).toBe(usage.calls);
      expect(value('errors')).toBe(usage.errors);
      expect(value('rate_limit_hits')).toBe(usage.rate_limit_hits);
      expect(value('quota_exhausted')).toBe(usage.quota_exhausted ? 1 : 0);
      expect(value('cost_usd')).toBeCloseTo(Number(usage.cost_usd), 9);
    }
    expect(stats.vendor_usage.some((usage) => usage.quota_exhausted && usage.rate_limit_hits > 0)).toBe(true);
    expect(matching(samples, 'runledger_vendor_calls')).toHaveLength(stats.vendor_usage.length);
  });

  it('of alerts count those that are open', async () => {
    const { samples } = await scrape(api.tokens.a);
    const open = matching(samples, 'runledger_alerts_open').map(({ labels, value }) => [
      labels.code,
      labels.severity,
      labels.state,
      value,
    ]);
    expect(open).toEqual([
      ['CR-02', 'page', 'firing', 1],
      ['RF-07', 'page', 'firing', 1],
      ['VQ-03', 'warn', 'acked', 1],
    ]);
  });

  it('are not of runs that say nothing: cancelled, excluded, going on, long ago; nor of disabled tenants', async () => {
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    await addRun(TENANT_A, 1, { pipeline: 'quiet', at: hoursAgo(9) });
    await addRun(TENANT_A, 2, { pipeline: 'quiet', at: hoursAgo(8), status: 'cancelled' });
    await addRun(TENANT_A, 3, { pipeline: 'quiet', at: hoursAgo(7), status: 'failed', excluded: true });
    await addRun(TENANT_A, 4, { pipeline: 'quiet', at: hoursAgo(1), status: 'running' });
    await addRun(TENANT_A, 5, { pipeline: 'first', at: hoursAgo(1), status: 'running' });
    await addRun(TENANT_A, 6, { pipeline: 'gone', at: hoursAgo(31 * 24) });
    await api.owner.query(`insert into runledger.tenants (tenant_id, status) values (77, 'disabled')`);
    await addRun(77, 1, {});
    const { samples } = await scrape(api.tokens.admin);
    expect(sampleOf(samples, 'runledger_run_success', { pipeline: 'quiet' })).toBe(1);
    expect(sampleOf(samples, 'runledger_run_duration_seconds', { pipeline: 'quiet', environment: '' })).toBe(90.5);
    expect(sampleOf(samples, 'runledger_runs_running', { pipeline: 'quiet' })).toBe(1);
    expect(sampleOf(samples, 'runledger_runs_running', { pipeline: 'first' })).toBe(1);
    expect(matching(samples, 'runledger_run_success', { pipeline: 'first' })).toEqual([]);
    expect(samples.filter(({ labels }) => labels.pipeline === 'gone' || labels.tenant === '77')).toEqual([]);
  });
});

describe('walls', () => {
  it('a tenant sees its own, an admin all or the one he names', async () => {
    const tenantsOf = async (token: string, query = '') => {
      const { samples } = await scrape(token, query);
      return [...new Set(samples.flatMap(({ labels }) => labels.tenant ?? []))].sort();
    };
    expect(await tenantsOf(api.tokens.a)).toEqual([String(TENANT_A)]);
    expect(await tenantsOf(api.tokens.b)).toEqual([String(TENANT_B)]);
    expect(await tenantsOf(api.tokens.admin)).toEqual([String(TENANT_A), String(TENANT_B)]);
    expect(await tenantsOf(api.tokens.admin, `?tenant=${TENANT_B}`)).toEqual([String(TENANT_B)]);
    expect((await api.get(`/metrics/tenants?tenant=${TENANT_B}`, api.tokens.a)).status).toBe(404);
  });

  it('nothing without a token that may read', async () => {
    for (const token of [undefined, 'rlt_made-up', api.tokens.revoked, api.tokens.expired])
      expect((await api.get('/metrics/tenants', token)).status).toBe(401);
    for (const token of [api.tokens.ingest, api.tokens.writeOnly])
      expect((await api.get('/metrics/tenants', token)).status).toBe(403);
  });
});

it('text of senders stays inside its label, whatever is in it', async () => {
  await addRun(TENANT_B, 11, { pipeline: HOSTILE, environment: '\\', status: 'failed' });
  await api.owner.query('insert into run_vendor_usage (tenant_id, run_id, vendor, calls) values ($1, 11, $2, 3)', [
    TENANT_B,
    'v"} 1\n#\\',
  ]);
  const { samples } = await scrape(api.tokens.b);
  expect(sampleOf(samples, 'runledger_run_success', { pipeline: HOSTILE, environment: '\\' })).toBe(0);
  expect(sampleOf(samples, 'runledger_vendor_calls', { vendor: 'v"} 1\n#\\' })).toBe(3);
  expect(new Set(samples.flatMap(({ labels }) => labels.tenant ?? []))).toEqual(new Set([String(TENANT_B)]));
});

describe('the number of series is bounded', () => {
  it('200 tenants, the newest; 20 vendors of a tenant, the most expensive, the others summed; it says how many are missing', async () => {
    await api.owner.query(
      `insert into enrichment_runs (tenant_id, run_id, pipeline, status, started_at, ended_at, last_received_at)
      select ${MANY} + n, 1, 'p', 'succeeded', now() - n * interval '1 minute', now() - n * interval '1 minute', now()
      from generate_series(1, 230) n`,
    );
    await api.owner.query(
      `insert into run_vendor_usage (tenant_id, run_id, vendor, calls, errors, cost_usd, rate_limit_hits, quota_exhausted)
      select ${MANY} + 1, 1, case n when 50 then '_other' else 'v' || n end, 10, 1, n, 2, n = 3 from generate_series(1, 50) n`,
    );
    await api.owner.query(
      `insert into enrichment_runs (tenant_id, run_id, pipeline, status, started_at, ended_at, last_received_at)
      select ${MANY} + 2, n, 'p' || n, 'succeeded', now() - n * interval '1 minute', now(), now() from generate_series(2, 26) n`,
    );
    const { samples } = await scrape(api.tokens.admin);
    const tenants = new Set(samples.flatMap(({ labels }) => labels.tenant ?? []));
    expect(tenants.size).toBe(200);
    expect(tenants.has(String(MANY + 1))).toBe(true);
    expect(tenants.has(String(MANY + 230))).toBe(false);
    const known = 230 + 2;
    expect(sampleOf(samples, 'runledger_tenants_left_out')).toBe(known - 200);

    const first = { tenant: String(MANY + 1) };
    const vendors = matching(samples, 'runledger_vendor_cost_usd', first).map(({ labels }) => labels.vendor);
    // v50 is called as the rest is, and so is of it.
    expect(vendors.sort()).toEqual([...Array.from({ length: 20 }, (_, n) => `v${30 + n}`), '_other'].sort());
    const rest = (name: string) => sampleOf(samples, `runledger_vendor_${name}`, { ...first, vendor: '_other' });
    expect([rest('calls'), rest('errors'), rest('rate_limit_hits'), rest('quota_exhausted')]).toEqual([300, 30, 60, 1]);
    expect(rest('cost_usd')).toBe((29 * 30) / 2 + 50);
    expect(sampleOf(samples, 'runledger_vendors_left_out')).toBe(30);

    expect(matching(samples, 'runledger_run_success', { tenant: String(MANY + 2) })).toHaveLength(20);
    expect(sampleOf(samples, 'runledger_pipelines_left_out')).toBe(6);
  });
});

describe('the format and the shipped rules', () => {
  it('every metric has help, a type and, where it has one, its unit in its name', async () => {
    const { samples, types, helps } = await scrape(api.tokens.admin);
    expect(types.size).toBe(20);
    for (const name of new Set(samples.map((one) => one.name)))
      expect([types.get(name), helps.has(name)]).toEqual(['gauge', true]);
    for (const name of types.keys()) expect(name).toMatch(/^runledger_[a-z_]+$/);
  });

  it('every rule of Prometheus reads metrics that are there, and leads to a runbook that is there', async () => {
    const file = parse(
      readFileSync(new URL('../../deploy/prometheus/rules.yaml', import.meta.url), 'utf8'),
    ) as RuleFile;
    const there = new Set([
      ...(await namesOfReceiver()),
      ...(await scrape(api.tokens.admin)).samples.map((s) => s.name),
    ]);
    const rules = file.groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(15);
    expect(new Set(rules.map((rule) => rule.alert)).size).toBe(rules.length);
    const { runbooks } = (await (await api.get('/runbooks')).json()) as { runbooks: { code: string }[] };
    const codes = new Set(runbooks.map(({ code }) => code));
    for (const rule of rules) {
      const asked = metricsOfExpression(rule.expr);
      expect(asked.length, rule.alert).toBeGreaterThan(0);
      // `up` is Prometheus' own.
      expect(
        asked.filter((name) => name !== 'up' && !there.has(name)),
        rule.alert,
      ).toEqual([]);
      expect(['warn', 'page'], rule.alert).toContain(rule.labels.severity);
      expect(rule.annotations.summary, rule.alert).toBeTruthy();
      const code = /^http:\/\/127\.0\.0\.1:8080\/runbooks\/(.+)$/.exec(rule.annotations.runbook_url)?.[1] ?? '';
      expect(code === '{{ $labels.code }}' || codes.has(code), `${rule.alert}: ${code}`).toBe(true);
    }
    expect(metricsOfExpression('sum by (x) (rate(no_such_total{a="b"}[5m])) > 2 * gone and on (y) up')).toEqual([
      'no_such_total',
      'gone',
      'up',
    ]);
  });
});

/** All that a receiver's own endpoint shows once each thing that it counts has happened. */
async function namesOfReceiver(): Promise<string[]> {
  const metrics = createMetrics();
  metrics.committed(0.01, 5);
  metrics.parkedRows(0);
  metrics.answered('traces', 200);
  metrics.watch({ queueRows: () => 0, bodyBytesInFlight: () => 0 });
  const server = createServer((request, response) => metrics.handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
    return parsePrometheus(await answer.text()).samples.map((sample) => sample.name);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await metrics.stop();
  }
}

interface RunLine {
  run_id: number;
  degraded: boolean;
  cost_usd: string;
  cost_complete: boolean;
  items: number;
  stage_errors: number;
}

interface VendorLine {
  vendor: string;
  calls: number;
  errors: number;
  rate_limit_hits: number;
  quota_exhausted: boolean;
  cost_usd: string;
}

interface RuleFile {
  groups: {
    name: string;
    rules: {
      alert: string;
      expr: string;
      labels: { severity: string };
      annotations: { summary: string; runbook_url: string };
    }[];
  }[];
}
