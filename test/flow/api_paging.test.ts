/** Lists page by key and filters are exact. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

interface Page {
  runs: { run_id: number; tenant_id: number; started_at: string | null }[];
  next_cursor: string | null;
}

let api: ApiUnderTest;

beforeAll(async () => {
  api = await startApi();
  // Equal start times and a run without any: the hard cases of a key.
  await api.owner.query(
    `insert into enrichment_runs (run_id, tenant_id, pipeline, status, started_at)
     select n, $1, 'p' || n % 2, case when n % 3 = 0 then 'failed' else 'succeeded' end,
       case when n > 1 then timestamptz '2026-11-01 00:00:00.000001Z' + (n / 4) * interval '1 microsecond' end
     from generate_series(1, 60) n`,
    [TENANT_A],
  );
  await api.owner.query(
    `insert into enrichment_runs (run_id, tenant_id, pipeline, started_at) select n, $1, 'p0', timestamptz '2026-11-01 00:00:00.000003Z'
     from generate_series(1, 20) n`,
    [TENANT_B],
  );
});
afterAll(() => api.stop());

async function page(query: string, token: string): Promise<Page> {
  const answer = await api.get(`/runs?${query}`, token);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
}

it('every run comes once and newest first, while runs are inserted between the pages', async () => {
  for (const [token, total] of [
    [api.tokens.a, 60],
    [api.tokens.admin, 80],
  ] as const) {
    const seen: string[] = [];
    const times: (string | null)[] = [];
    let cursor: string | null = '';
    for (let n = 0; cursor !== null; n++) {
      const answer: Page = await page(`limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`, token);
      seen.push(...answer.runs.map((run) => `${run.tenant_id}/${run.run_id}`));
      times.push(...answer.runs.map((run) => run.started_at));
      cursor = answer.next_cursor;
      await api.owner.query(
        `insert into enrichment_runs (run_id, tenant_id, started_at) values ($1, $2, '2026-11-20')`,
        [token === api.tokens.a ? 1000 + n : 2000 + n, TENANT_A],
      );
    }
    expect(new Set(seen).size).toBe(seen.length);
    const dated = times.filter((time) => time !== null);
    expect(dated).toEqual([...dated].sort().reverse());
    expect(times.at(-1)).toBeNull();
    await api.owner.query('delete from enrichment_runs where run_id >= 1000');
    expect(seen.filter((run) => Number(run.split('/')[1]) < 1000)).toHaveLength(total);
  }
});

it('filters narrow and combine; from is inclusive, to exclusive, to the microsecond', async () => {
  expect((await page('pipeline=p1&limit=200', api.tokens.a)).runs).toHaveLength(30);
  expect((await page('status=failed&pipeline=p1&limit=200', api.tokens.a)).runs).toHaveLength(10);
  expect((await page(`tenant=${TENANT_B}&limit=200`, api.tokens.admin)).runs).toHaveLength(20);
  const exact = 'from=2026-11-01T00:00:00.000003Z&to=2026-11-01T00:00:00.000004Z&limit=200';
  const { runs } = await page(exact, api.tokens.a);
  expect(runs.map((run) => run.run_id).sort()).toEqual([10, 11, 8, 9].sort());
  expect((await page('from=2026-11-02', api.tokens.a)).runs).toHaveLength(0);
});

it("a cursor carries no rights: another tenant's is only a place in one's own list", async () => {
  const { next_cursor } = await page('limit=3', api.tokens.a);
  const { runs } = await page(`limit=200&cursor=${next_cursor}`, api.tokens.b);
  expect(runs.every((run) => run.tenant_id === TENANT_B)).toBe(true);
});

it('a 400 names each parameter that is wrong and what would be right', async () => {
  const answer = await api.get('/runs?limit=0&status=done&form=2026-11-01&from=yesterday', api.tokens.a);
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toMatch(/application\/problem\+json/);
  const { errors } = (await answer.json()) as { errors: { parameter: string; message: string }[] };
  expect(errors.map((error) => error.parameter).sort()).toEqual(['form', 'from', 'limit', 'status']);
  expect(errors.find((error) => error.parameter === 'status')?.message).toContain('succeeded');
});
