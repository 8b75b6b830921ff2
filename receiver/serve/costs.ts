/** GET /trends/costs and /budgets: what vendors and models cost over weeks, and what is left of the budgets that alert rules set. */

import { z } from 'zod';
import { limitsOf } from '../derive/alerts/evaluate.ts';
import { loadRules } from '../derive/alerts/load_rules.ts';
import type { Queryable } from './access.ts';
import { overWeeks, tenantRef } from './input.ts';
import { readLine, readLines, resolveTenant } from './read.ts';
import { type Route, route } from './route.ts';
import { type Budget, type Budgets, budgets, type TrendCosts, trendCosts } from './shape_costs.ts';

const DAY_MS = 86_400_000;
/** More than a chart or a table can show apart. */
const MODELS_MAX = 40;
const NEAR_SHARE = 0.8;
const RUN_DAYS_MAX = 31;

const costsQuery = z.strictObject({
  ...overWeeks,
  by: z.enum(['day', 'week', 'month']).default('week'),
});
type CostsQuery = z.output<typeof costsQuery>;

export function costRoutes(): Route[] {
  return [
    route({
      method: 'get',
      path: '/trends/costs',
      access: 'read',
      summary: 'What vendors and models cost over weeks, and in as many weeks before; all runs count',
      query: costsQuery,
      answer: trendCosts,
      handle: ({ query }, { scope, now }) =>
        scope.read(async (client) => readCosts(client, await resolveTenant(client, scope, query.tenant), query, now)),
    }),
    route({
      method: 'get',
      path: '/budgets',
      access: 'read',
      summary: 'The budgets in force, what is spent of each, and what a month will have cost',
      query: z.strictObject({ tenant: tenantRef.optional() }),
      answer: budgets,
      handle: ({ query }, { scope, now }) =>
        scope.read(async (client) => readBudgets(client, await resolveTenant(client, scope, query.tenant), now)),
    }),
  ];
}

type Model = TrendCosts['models'][number];
type CostsLine = Pick<TrendCosts, 'total' | 'previous'> & {
  models: (Omit<Model, 'cost_by_period'> & { points: { period: number; cost_usd: string }[] })[];
};

async function readCosts(
  client: Queryable,
  tenantId: number | null,
  query: CostsQuery,
  now: Date,
): Promise<TrendCosts> {
  const from = startOf(query.by, new Date(now.getTime() - query.weeks * 7 * DAY_MS));
  const previousFrom = new Date(2 * from.getTime() - now.getTime());
  const at = periodsOf(query.by, from, now);
  const line = await readLine<CostsLine>(client, 'queries/serve/trend_costs', [
    tenantId,
    query.pipeline ?? null,
    query.environment ?? null,
    previousFrom,
    at,
    now,
    MODELS_MAX,
  ]);
  return {
    by: query.by,
    from: from.toISOString(),
    to: now.toISOString(),
    previous_from: previousFrom.toISOString(),
    at: at.map((period) => period.toISOString()),
    total: line.total,
    previous: line.previous,
    models: line.models.map(({ points, ...model }) => {
      const amounts = at.map(() => '0');
      for (const { period, cost_usd } of points) amounts[period - 1] = cost_usd;
      return { ...model, cost_by_period: amounts };
    }),
  };
}

/** The start of the UTC day, week from Monday or month that holds `time`. */
function startOf(by: CostsQuery['by'], time: Date): Date {
  const [year, month, day] = [time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()];
  if (by === 'month') return new Date(Date.UTC(year, month, 1));
  const sinceMonday = (time.getUTCDay() + 6) % 7;
  return new Date(Date.UTC(year, month, by === 'week' ? day - sinceMonday : day));
}

function periodsOf(by: CostsQuery['by'], from: Date, to: Date): Date[] {
  const periods: Date[] = [];
  for (let at = from; at < to; ) {
    periods.push(at);
    at =
      by === 'month'
        ? new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1))
        : new Date(at.getTime() + (by === 'week' ? 7 : 1) * DAY_MS);
  }
  return periods;
}

async function readBudgets(client: Queryable, tenantId: number | null, now: Date): Promise<Budgets> {
  const { rules } = await loadRules(client);
  // A run of more than a month is not looked for.
  const from = new Date(now.getTime() - (31 + RUN_DAYS_MAX) * DAY_MS);
  const found: Budget[] = [];
  for (const rule of rules) {
    if (rule.kind !== 'cost_budget' || rule.problem !== null) continue;
    const values = [tenantId, now, limitsOf(rule), rule.rule, NEAR_SHARE, from];
    const lines = await readLines<Omit<Budget, 'rule' | 'code'>>(client, 'queries/serve/budgets', values);
    found.push(...lines.map((line) => ({ rule: rule.rule, code: rule.code, ...line })));
  }
  return { at: now.toISOString(), budgets: found };
}
