/** What the API says of runs equals what plain SQL over the rows says; pages of events lose and repeat nothing. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Scene, seedScene } from './api_scene.ts';
import { type ApiUnderTest, startApi, TENANT_A } from './api_server.ts';

let api: ApiUnderTest;
let scene: Scene;

beforeAll(async () => {
  api = await startApi();
  scene = await seedScene(api.owner);
});
afterAll(() => api.stop());

async function read<T>(path: string): Promise<T> {
  const answer = await api.get(path, api.tokens.a);
  expect(answer.status, path).toBe(200);
  return (await answer.json()) as T;
}

async function sql<T>(text: string): Promise<T[]> {
  return (await api.owner.query(text)).rows as T[];
}

const OF_RUN = `from run_event_logs where tenant_id = ${TENANT_A} and run_id = 4711`;

interface Events {
  events: { ts: string; span_id: string; seq: number; duration_ms: number | null; stage: string; status: string }[];
  next_cursor: string | null;
}

async function allEvents(query: string): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Events = await read(`/runs/4711/events?limit=37${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...page.events.map((event) => `${event.span_id} ${event.seq}`));
    cursor = page.next_cursor;
  }
  return seen;
}

it('events come once each, in both directions and behind any filter', async () => {
  const keys = async (where: string, order: string) =>
    (
      await sql<{ key: string }>(
        `select span_id || ' ' || seq as key ${OF_RUN} ${where} order by ts ${order}, span_id ${order}, seq ${order}`,
      )
    ).map((row) => row.key);
  expect(await allEvents('')).toEqual(await keys('', ''));
  expect(await allEvents('&sort=-ts')).toEqual(await keys('', 'desc'));
  expect(await allEvents('&status=error&kind=vendor_call')).toEqual(
    await keys("and status = 'error' and kind = 'vendor_call'", ''),
  );
  expect(await allEvents('&stage=score&vendor=openai&sort=-ts')).toEqual(
    await keys("and stage = 'score' and vendor = 'openai'", 'desc'),
  );
  const slowest = await read<Events>('/runs/4711/events?sort=slowest&limit=20');
  const longest = await sql<{ duration_ms: number }>(
    `select duration_ms ${OF_RUN} order by duration_ms desc nulls last limit 20`,
  );
  expect(slowest.events.map((event) => event.duration_ms)).toEqual(longest.map((row) => row.duration_ms));
  expect(slowest.next_cursor).toBeNull();
  expect((await api.get('/runs/4711/events?sort=slowest&cursor=W10', api.tokens.a)).status).toBe(400);
});

it('failures by code add up, and examples are of their code', async () => {
  await api.owner.query(
    `update run_event_logs set error_code = 'HTTP_' || (500 + length(stage)) where tenant_id = ${TENANT_A} and run_id = 4711 and status = 'error'`,
  );
  const { total, groups } = await read<{
    total: number;
    groups: {
      error_code: string;
      count: number;
      stages: Record<string, number>;
      examples: { error_code: string; status: string }[];
    }[];
  }>('/runs/4711/errors');
  const counted = await sql<{ error_code: string; count: number }>(
    `select error_code, count(*)::int as count ${OF_RUN} and status = 'error' group by 1 order by 2 desc, 1`,
  );
  expect(groups.map(({ error_code, count }) => ({ error_code, count }))).toEqual(counted);
  expect(total).toBe(counted.reduce((sum, row) => sum + row.count, 0));
  for (const group of groups) {
    expect(Object.values(group.stages).reduce((sum, count) => sum + count, 0)).toBe(group.count);
    expect(group.examples).toHaveLength(Math.min(3, group.count));
    for (const example of group.examples)
      expect(example).toMatchObject({ error_code: group.error_code, status: 'error' });
  }
});

it('a timeline holds every item and call once, however many steps it has', async () => {
  const [stored] = await sql<{ ok: number; error: number; calls: number }>(
    `select count(*) filter (where kind = 'item' and status = 'ok')::int as ok, count(*) filter (where kind = 'item' and status = 'error')::int as error,
       sum(calls) filter (where kind = 'vendor_call')::int as calls ${OF_RUN}`,
  );
  for (const steps of [1, 7, 120, 240]) {
    const { stages } = await read<{ stages: { items_ok: number[]; items_error: number[]; vendor_calls: number[] }[] }>(
      `/runs/4711/timeline?steps=${steps}`,
    );
    const sum = (name: 'items_ok' | 'items_error' | 'vendor_calls') =>
      stages.flatMap((stage) => stage[name]).reduce((a, b) => a + b, 0);
    expect({ ok: sum('items_ok'), error: sum('items_error'), calls: sum('vendor_calls') }).toEqual(stored);
    for (const stage of stages) expect(stage.items_ok).toHaveLength(steps);
  }
});

it('a histogram holds every duration, from the buckets that were kept as from the events', async () => {
  const path = '/runs/4711/durations?stage=crawl';
  const kept = await read<{ samples: number; bins: { from_ms: number; to_ms: number; count: number }[] }>(path);
  expect(kept.samples).toBe(40);
  const backup = await api.owner.query('delete from runledger.trend_buckets where run_id = 4711 and tenant_id = $1', [
    TENANT_A,
  ]);
  expect(backup.rowCount).toBeGreaterThan(0);
  expect(await read(path)).toEqual(kept);
  const durations = await sql<{ ms: number }>(
    `select duration_ms as ms ${OF_RUN} and stage = 'crawl' and kind = 'item' and seq = 1`,
  );
  for (const bin of kept.bins) {
    expect(durations.filter(({ ms }) => ms >= bin.from_ms && ms < bin.to_ms).length).toBe(bin.count);
  }
});

it('a run is held against the one before it, and against what is usual', async () => {
  const compared = await read<{
    run: { run_id: number };
    with: { run_id: number };
    stages: { stage: string; run: { count_total: number }; with: object }[];
  }>('/runs/4711/compare');
  expect([compared.run.run_id, compared.with.run_id]).toEqual([4711, 4710]);
  expect(compared.stages.map((line) => line.stage)).toContain('crawl');
  await api.owner.query('update enrichment_runs set excluded = true where run_id = 4710 and tenant_id = $1', [
    TENANT_A,
  ]);
  expect(await read('/runs/4711/compare')).toMatchObject({ with: { run_id: 4709 } });
  const { runs } = await read<{ runs: { run_id: number; usual_runs: number; usual_duration_ms: number | null }[] }>(
    '/runs',
  );
  const usual = runs.map(({ run_id, usual_runs, usual_duration_ms }) => [run_id, usual_runs, usual_duration_ms]);
  expect(usual).toEqual([
    [4711, 2, 724_000],
    [4710, 2, 724_000],
    [4709, 1, 724_000],
    [4708, 0, null],
  ]);
  await api.owner.query('update enrichment_runs set excluded = false where run_id = 4710 and tenant_id = $1', [
    TENANT_A,
  ]);
  const oldest = await api.get('/runs/4708/compare', api.tokens.a);
  expect([oldest.status, ((await oldest.json()) as { detail: string }).detail]).toEqual([
    404,
    expect.stringContaining('with='),
  ]);
});

it('trends and the overview count what the runs count, by run and by day', async () => {
  const [stored] = await sql<{ units: number; errors: number; cost: string; failed: number }>(
    `select sum(count_total)::int as units, sum(count_error)::int as errors,
       (select trim_scale(sum(cost_usd))::text from run_vendor_usage where tenant_id = ${TENANT_A}) as cost,
       (select count(*)::int from enrichment_runs where tenant_id = ${TENANT_A} and status = 'failed') as failed
     from run_stage_stats where tenant_id = ${TENANT_A}`,
  );
  interface Answer {
    points: {
      units: number;
      unit_errors: number;
      cost_usd: string;
      failed: number;
      at: string;
      run: { run_id: number } | null;
    }[];
    stages: { stage: string; p95_ms: (number | null)[]; units: number[] }[];
    vendors: { vendor: string; calls: number[] }[];
  }
  for (const by of ['run', 'day']) {
    const { points, stages, vendors } = await read<Answer>(`/trends?by=${by}`);
    expect(points).toHaveLength(scene.nights.length);
    expect(points.map((point) => point.at)).toEqual(points.map((point) => point.at).sort());
    expect(points.reduce((sum, point) => sum + point.units, 0)).toBe(stored?.units);
    expect(points.reduce((sum, point) => sum + point.unit_errors, 0)).toBe(stored?.errors);
    expect(points.reduce((sum, point) => sum + point.failed, 0)).toBe(stored?.failed);
    expect(points.reduce((sum, point) => sum + Number(point.cost_usd), 0)).toBeCloseTo(Number(stored?.cost), 9);
    for (const line of [...stages.map((stage) => stage.p95_ms), ...vendors.map((vendor) => vendor.calls)]) {
      expect(line).toHaveLength(points.length);
    }
    const crawl = stages.find((stage) => stage.stage === 'crawl');
    expect(crawl?.p95_ms.filter((value) => value !== null).length).toBeGreaterThanOrEqual(points.length - 1);
  }
  const overview = await read<{ totals: object; last_run: object }>(`/tenants/${TENANT_A}/overview`);
  expect(overview).toMatchObject({
    last_run: { run_id: 4711, status: 'failed', started_at: expect.any(String), ended_at: expect.any(String) },
    totals: { runs: 4, failed: 1, succeeded: 3, success_rate: 0.75, units: stored?.units, cost_usd: stored?.cost },
  });
});

it('pipelines show the last run, the strip before it and what fires', async () => {
  const { pipelines } = await read<{
    pipelines: {
      last_run: { run_id: number };
      recent: { run_id: number }[];
      firing: { code: string }[];
      next_due_at: string | null;
    }[];
  }>('/pipelines');
  expect(pipelines).toHaveLength(1);
  const [line] = pipelines;
  expect(line?.last_run.run_id).toBe(4711);
  expect(line?.recent.map((run) => run.run_id)).toEqual([4708, 4709, 4710, 4711]);
  expect(line?.firing.map((alert) => alert.code).sort()).toEqual(['CR-02', 'RF-07', 'VQ-03']);
  expect(Date.parse(line?.next_due_at ?? '')).toBeGreaterThan(Date.now());
});
