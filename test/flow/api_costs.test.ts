/** What the API says about money is what plain SQL over the events says, to the last digit: by model, over time, and of budgets. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addMoney } from '../../dashboard/run/money.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { type Budgets, budgets as budgetsShape, type TrendCosts } from '../../receiver/serve/shape_costs.ts';
import { ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import { seedScene } from './api_scene.ts';
import { dayOf, seedRun } from './api_seed.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

let api: ApiUnderTest;
const DAY_MS = 86_400_000;

beforeAll(async () => {
  api = await startApi();
  await seedScene(api.owner);
  // The time before: a run of ten weeks ago.
  await seedRun(api.owner, {
    tenantId: TENANT_A,
    runId: 4600,
    startedAt: new Date(Date.now() - 70 * DAY_MS),
    items: 9,
  });
  await deriveDue(api.owner, { all: true });
});
afterAll(() => api.stop());

async function read<T>(path: string, token = api.tokens.a): Promise<T> {
  const answer = await api.get(path, token);
  expect([path, answer.status]).toEqual([path, 200]);
  return (await answer.json()) as T;
}

async function sql<T>(text: string): Promise<T[]> {
  return (await api.owner.query(text)).rows as T[];
}

describe('cost by model', () => {
  it('of a run is what its events say, and adds up to its vendors', async () => {
    const stats = await read<{
      vendor_usage: { vendor: string; cost_usd: string }[];
      model_usage: { vendor: string; cost_usd: string }[];
    }>('/runs/4711/stats');
    const counted = await sql(
      `select vendor, extra ->> 'model' as model, sum(calls)::int as calls, sum(errors)::int as errors, 0 as units,
         sum(tokens_input)::int as tokens_input, sum(tokens_output)::int as tokens_output,
         trim_scale(coalesce(sum(cost_usd), 0))::text as cost_usd, bool_and(cost_usd is not null) as cost_complete,
         (count(*) filter (where cost_usd is null))::int as unpriced_calls,
         coalesce(sum(tokens_input + tokens_output) filter (where cost_usd is null), 0)::int as unpriced_tokens
       from run_event_logs where tenant_id = ${TENANT_A} and run_id = 4711 and kind = 'vendor_call' group by 1, 2 order by 1, 2`,
    );
    expect(stats.model_usage).toEqual(counted);
    expect(counted.length).toBeGreaterThan(stats.vendor_usage.length);
    for (const { vendor, cost_usd } of stats.vendor_usage)
      expect(
        Number(addMoney(stats.model_usage.filter((line) => line.vendor === vendor).map((line) => line.cost_usd))),
      ).toBe(Number(cost_usd));
  });

  it.each(['day', 'week', 'month'])('by %s adds up to what the events say, beside the time before', async (by) => {
    const costs = await read<TrendCosts>(`/trends/costs?by=${by}&weeks=8`);
    const [stored] = await sql<{ now: string; before: string; runs: number; runs_before: number }>(
      `select trim_scale(coalesce(sum(e.cost_usd) filter (where r.started_at >= '${costs.from}'), 0))::text as now,
         trim_scale(coalesce(sum(e.cost_usd) filter (where r.started_at < '${costs.from}'), 0))::text as before,
         count(distinct r.run_id) filter (where r.started_at >= '${costs.from}')::int as runs,
         count(distinct r.run_id) filter (where r.started_at < '${costs.from}')::int as runs_before
       from run_event_logs e join enrichment_runs r using (tenant_id, run_id)
       where tenant_id = ${TENANT_A} and r.started_at >= '${costs.previous_from}'`,
    );
    expect(costs.total).toMatchObject({ cost_usd: stored?.now, runs: stored?.runs, cost_complete: false });
    expect(costs.previous).toMatchObject({ cost_usd: stored?.before, runs: stored?.runs_before });
    if (by !== 'month') expect(stored?.runs_before).toBe(1);
    expect(Number(addMoney(costs.models.map((model) => model.cost_usd)))).toBe(Number(stored?.now));
    for (const model of costs.models) {
      expect(model.cost_by_period).toHaveLength(costs.at.length);
      expect(Number(addMoney(model.cost_by_period))).toBe(Number(model.cost_usd));
    }
    expect(costs.models.map(({ vendor, model }) => `${vendor} ${model}`).slice(0, 2)).toEqual([
      'openai gpt-4o-mini',
      'openai gpt-4o',
    ]);
    expect(costs.models.reduce((sum, model) => sum + (model.share ?? 0), 0)).toBeCloseTo(1, 4);
    expect(costs.at).toEqual([...costs.at].sort());
    expect(costs.at[0]).toBe(costs.from);
  });

  it('is that of each period, which begins where PostgreSQL says', async () => {
    for (const by of ['day', 'week', 'month'] as const) {
      const costs = await read<TrendCosts>(`/trends/costs?by=${by}&weeks=3`);
      const rows = await sql<{ at: string; cost: string }>(
        `select to_char(date_trunc('${by}', r.started_at, 'UTC') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as at,
           trim_scale(sum(u.cost_usd))::text as cost
         from enrichment_runs r join run_vendor_usage u using (tenant_id, run_id)
         where tenant_id = ${TENANT_A} and r.run_id > 4700 group by 1 order by 1`,
      );
      expect(rows.length).toBeGreaterThan(0);
      for (const { at, cost } of rows) {
        const place = costs.at.indexOf(at);
        expect(Number(addMoney(costs.models.map((model) => model.cost_by_period[place] ?? 'none')))).toBe(Number(cost));
      }
    }
  });

  it('is of the pipeline that is asked for, and of nobody else', async () => {
    expect(await read<TrendCosts>('/trends/costs?pipeline=none')).toMatchObject({
      models: [],
      total: { cost_usd: '0', runs: 0, cost_complete: true, items_delivered: null, usd_per_thousand_items: null },
    });
    const [all, a, b] = await Promise.all([
      read<TrendCosts>('/trends/costs', api.tokens.admin),
      read<TrendCosts>(`/trends/costs?tenant=${TENANT_A}`, api.tokens.admin),
      read<TrendCosts>('/trends/costs', api.tokens.b),
    ]);
    expect(Number(addMoney([a.total.cost_usd, b.total.cost_usd]))).toBe(Number(all.total.cost_usd));
    expect((await api.get(`/trends/costs?tenant=${TENANT_B}`, api.tokens.a)).status).toBe(404);
    expect((await api.get('/trends/costs?by=hour', api.tokens.a)).status).toBe(400);
  });

  it('of many models is bounded, and the rest is one line', async () => {
    const startedAt = new Date(Date.now() - 2 * DAY_MS);
    const ts = startedAt.toISOString();
    const run = { tenant_id: TENANT_B, run_id: 5000, kind: 'vendor_call', ts, status: 'ok' } as const;
    for (const vendor of ['one', 'two'])
      await writeRows(
        api.owner,
        Array.from({ length: 30 }, (_, index) =>
          ledgerRow({ ...run, vendor, extra: { model: `m${index}` }, cost_usd: `${index + 1}.01` }),
        ),
        { status: 'succeeded' },
      );
    await api.owner.query(`update enrichment_runs set started_at = $1, pipeline = 'many' where run_id = 5000`, [
      startedAt,
    ]);
    await deriveDue(api.owner, { all: true });
    const costs = await read<TrendCosts>('/trends/costs?pipeline=many', api.tokens.b);
    expect(costs.models).toHaveLength(41);
    expect(costs.models.at(-1)).toMatchObject({ vendor: '_other', model: null, calls: 20, cost_usd: '110.2' });
    expect(costs.total.cost_usd).toBe('930.6');
  });
});

describe('budgets', () => {
  const setRule = (parameters: object, enabled = true) =>
    api.owner.query(`update runledger.alert_rules set parameters = $1, enabled = $2 where rule = 'cost_budget'`, [
      parameters,
      enabled,
    ]);
  const budgets = async (path = '/budgets', token = api.tokens.a) => {
    const answer = await read<Budgets>(path, token);
    expect(budgetsShape.parse(answer)).toEqual(answer);
    return answer.budgets;
  };
  const NONE = { per_run_usd: null, per_day_usd: null, per_month_usd: null };

  beforeEach(async () => {
    await setRule(NONE);
    await api.owner.query('delete from runledger.alert_overrides; ');
  });

  /** By the rule's own words: what ended since `begin`. */
  async function spentSince(begin: string, tenant = TENANT_A): Promise<string> {
    const [row] = await sql<{ cost: string }>(
      `select trim_scale(coalesce(sum(e.cost_usd), 0))::text as cost from run_event_logs e join enrichment_runs r using (tenant_id, run_id)
       where tenant_id = ${tenant} and r.status <> 'running' and r.ended_at >= '${begin}' and r.ended_at <= now()`,
    );
    return row?.cost ?? '';
  }

  it('are none until one is set, and none while the rule is off', async () => {
    expect(await budgets()).toEqual([]);
    await setRule({ ...NONE, per_month_usd: 5 }, false);
    expect(await budgets()).toEqual([]);
  });

  it('say what is spent of them, exactly, in the day, the month and the latest run of a pipeline', async () => {
    await setRule({ per_run_usd: 0.5, per_day_usd: 1, per_month_usd: 1000 });
    const found = await budgets();
    expect(found.map(({ scope }) => scope).sort()).toEqual(['day', 'month', 'run']);
    const of = (scope: string) => found.find((budget) => budget.scope === scope);
    const today = dayOf(new Date());
    expect(of('day')).toMatchObject({
      limit_usd: '1',
      spent_usd: await spentSince(today),
      pipeline: null,
      run: null,
      projected_usd: null,
    });
    expect(of('month')).toMatchObject({
      limit_usd: '1000',
      spent_usd: await spentSince(`${today.slice(0, 7)}-01`),
      state: 'ok',
    });
    const [latest] = await sql<{ cost: string }>(
      `select trim_scale(sum(cost_usd))::text as cost from run_event_logs where tenant_id = ${TENANT_A} and run_id = 4711`,
    );
    expect(of('run')).toMatchObject({
      limit_usd: '0.5',
      spent_usd: latest?.cost,
      cost_complete: false,
      state: 'over',
      pipeline: 'nightly_enrichment',
      environment: 'production',
      run: { run_id: 4711, status: 'failed' },
      runs: 1,
      rule: 'cost_budget',
      code: 'CB-10',
    });
    expect(found[0]?.scope).toBe('run');
  });

  it('are over above their limit alone, near from four fifths on, and near when the month will not do', async () => {
    const begin = `${dayOf(new Date()).slice(0, 7)}-01`;
    const today = new Date(`${dayOf(new Date())}T00:00:00Z`);
    await seedRun(api.owner, {
      tenantId: TENANT_A,
      runId: 4800,
      pipeline: 'today',
      startedAt: new Date(today.getTime() - 13 * 60_000),
    });
    await api.owner.query(`update enrichment_runs set ended_at = $1, last_received_at = $1 where run_id = 4800`, [
      today,
    ]);
    const spent = await spentSince(begin);
    expect(Number(spent)).toBeGreaterThan(0);
    const stateWith = async (limit: number) => {
      await setRule({ ...NONE, per_month_usd: limit });
      const [budget] = await budgets();
      return budget;
    };
    expect(await stateWith(Number(spent) * 0.99)).toMatchObject({ state: 'over' });
    expect(await stateWith(Number(spent))).toMatchObject({ state: 'near', used: 1 });
    expect(await stateWith(Number(spent) * 1.2)).toMatchObject({ state: 'near' });
    const far = await stateWith(Number(spent) * 1e6);
    expect(far).toMatchObject({ state: 'ok' });
    const daysLeft = Math.round((Date.parse(far?.to ?? '') - Date.parse(dayOf(new Date()))) / DAY_MS) - 1;
    if (daysLeft > 0) expect(Number(far?.projected_usd)).toBeGreaterThan(Number(spent));
    else expect(far?.projected_usd).toBe(spent);
    const between = Number(far?.projected_usd) * 0.999;
    if (between > Number(spent) * 1.3) expect(await stateWith(between)).toMatchObject({ state: 'near' });
  });

  it('of a tenant or pipeline win over those of all, and are shown to the tenant alone', async () => {
    await setRule({ ...NONE, per_day_usd: 3 });
    await api.owner.query(
      `insert into runledger.alert_overrides (tenant_id, rule, pipeline, parameters) values
         (${TENANT_B}, 'cost_budget', '', '{"per_day_usd": 9}'), (${TENANT_A}, 'cost_budget', 'nightly_enrichment', '{"per_run_usd": 7}'),
         (${TENANT_A}, 'cost_budget', 'other', '{"per_day_usd": "wrong"}')`,
    );
    const lines = (found: Awaited<ReturnType<typeof budgets>>) =>
      found.map(({ tenant_id, scope, limit_usd }) => [tenant_id, scope, limit_usd]).sort();
    expect(lines(await budgets())).toEqual([
      [TENANT_A, 'day', '3'],
      [TENANT_A, 'run', '7'],
    ]);
    expect(lines(await budgets('/budgets', api.tokens.b))).toEqual([[TENANT_B, 'day', '9']]);
    expect(lines(await budgets('/budgets', api.tokens.admin))).toEqual([
      [TENANT_A, 'day', '3'],
      [TENANT_A, 'run', '7'],
      [TENANT_B, 'day', '9'],
    ]);
    expect(lines(await budgets(`/budgets?tenant=${TENANT_B}`, api.tokens.admin))).toEqual([[TENANT_B, 'day', '9']]);
    expect((await api.get(`/budgets?tenant=${TENANT_B}`, api.tokens.a)).status).toBe(404);
    expect((await api.get('/budgets', api.tokens.ingest)).status).toBe(403);
  });

  it('lead to the alert that is open for them', async () => {
    await setRule({ ...NONE, per_day_usd: 3 });
    const [alert] = await sql<{ alert_id: number }>(
      `insert into runledger.alerts (tenant_id, rule, code, subject, severity, state, fired_at, last_bad_at)
       values (${TENANT_A}, 'cost_budget', 'CB-10', 'day', 'warn', 'firing', now(), now()) returning alert_id`,
    );
    expect(await budgets()).toMatchObject([{ scope: 'day', alert_id: alert?.alert_id }]);
    expect(await budgets('/budgets', api.tokens.b)).toMatchObject([{ scope: 'day', alert_id: null }]);
    await sql(
      `update runledger.alerts set state = 'resolved', resolved_at = now() where alert_id = ${alert?.alert_id}`,
    );
    expect(await budgets()).toMatchObject([{ alert_id: null }]);
  });
});
