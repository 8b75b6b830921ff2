/** What the API answers about money: cost by vendor and model over time, and budgets. */

import { z } from 'zod';
import { costComplete, count, id, money, rate, runName, time } from './shape_values.ts';

/** What calls used of one model of a vendor; amounts of money are exact. */
export const modelFigures = {
  vendor: z.string(),
  model: z
    .string()
    .nullable()
    .describe('As the calls name it, without the date of a snapshot; null: they name none; _other: the rest of many'),
  calls: count,
  errors: count,
  units: count.describe('What calls state as runledger.units'),
  tokens_input: count,
  tokens_output: count,
  cost_usd: money,
  cost_complete: costComplete,
};

/** A line of `model_usage` in GET /runs/:run/stats */
export const modelUsage = z.object({ ...modelFigures, unpriced_calls: count, unpriced_tokens: count });
export type ModelUsage = z.infer<typeof modelUsage>;

const perThousand = money.nullable().describe('For 1,000 delivered items; null: no run says that it delivered any');

const costTotal = z.object({
  runs: count,
  cost_usd: money,
  cost_complete: costComplete,
  items_delivered: z.number().nullable(),
  usd_per_thousand_items: perThousand,
});

/** GET /trends/costs: the dearest first. Every array of `cost_by_period` has one amount a period of `at`. */
export const trendCosts = z.object({
  by: z.enum(['day', 'week', 'month']),
  from: time,
  to: time,
  previous_from: time.describe('The time before goes from here to `from`, and is as long'),
  at: z.array(time).describe('Start of each UTC day, week (Monday) or month, oldest first'),
  total: costTotal,
  previous: costTotal.describe('Of the time before'),
  models: z.array(
    z.object({
      ...modelFigures,
      share: rate.describe('Of the cost of all'),
      usd_per_thousand_items: perThousand,
      previous_cost_usd: money.describe('In the time before'),
      previous_cost_complete: costComplete,
      cost_by_period: z.array(money),
    }),
  ),
});
export type TrendCosts = z.infer<typeof trendCosts>;

export const BUDGET_STATES = ['over', 'near', 'ok'] as const;

export const budget = z.object({
  rule: z.string(),
  code: z.string().describe('Of its runbook'),
  tenant_id: id,
  tenant_name: z.string().nullable(),
  scope: z
    .enum(['run', 'day', 'month'])
    .describe('A budget of each run, or of the runs that end in a UTC day or month'),
  pipeline: z.string().nullable().describe('With scope run'),
  environment: z.string().nullable().describe('With scope run'),
  from: time.nullable().describe('null with scope run'),
  to: time.nullable(),
  limit_usd: money,
  spent_usd: money.describe('With scope run by the latest run that ended'),
  cost_complete: costComplete,
  used: z.number().min(0).describe('spent_usd / limit_usd; above 1: over'),
  projected_usd: money
    .nullable()
    .describe('With scope month: at its end, if the days to come cost what those of the last four weeks did'),
  state: z.enum(BUDGET_STATES).describe('near: 80 % are spent, or the projection is over'),
  runs: count,
  run: runName.nullable().describe('With scope run'),
  alert_id: id.nullable().describe('Of the alert that is open'),
});
export type Budget = z.infer<typeof budget>;

/** GET /budgets: what is over first. */
export const budgets = z.object({ at: time, budgets: z.array(budget) });
export type Budgets = z.infer<typeof budgets>;
