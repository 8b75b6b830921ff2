/** Cost by vendor and model as bars, one a day, week or month. Loaded when it is first looked at, because the drawing library is heavy. */

import { useMemo } from 'preact/hooks';
import type { TrendCosts } from '../../receiver/serve/shape_costs.ts';
import { formatMoney } from '../format.ts';
import { Chart, type Line, SERIES_COLORS } from './chart.tsx';
import { modelName } from './model_names.ts';

const showMoney = (value: number | null) => formatMoney(value);

export default function CostChart({ costs }: { costs: TrendCosts }) {
  const drawn = useMemo(() => {
    const from = firstPaid(costs);
    return {
      at: costs.at.slice(from).map((time) => Date.parse(time) / 1000),
      lines: linesOf(costs).map(({ name, values }) => ({ name, values: values.slice(from) })),
    };
  }, [costs]);
  return (
    <Chart
      title={`A bar a ${costs.by}`}
      at={drawn.at}
      lines={drawn.lines}
      show={showMoney}
      isStacked
      isSynced={false}
      none="Nothing was paid for in this time."
    />
  );
}

/** The place of the period before the first that cost anything: a ledger that is a week old has no bars before. */
function firstPaid({ models, at }: TrendCosts): number {
  const first = at.findIndex((_, index) => models.some((model) => Number(model.cost_by_period[index]) > 0));
  return Math.max(0, first - 1);
}

/** The dearest each on its own, the rest together. */
function linesOf({ models, at }: TrendCosts): Line[] {
  const lines = models
    .filter(({ cost_usd }) => Number(cost_usd) > 0)
    .map((model) => ({ name: modelName(model), values: model.cost_by_period.map(Number) }));
  const [own, rest] = [lines.slice(0, SERIES_COLORS - 1), lines.slice(SERIES_COLORS - 1)];
  if (rest.length <= 1) return [...own, ...rest];
  const values = at.map((_, index) => rest.reduce((sum, line) => sum + (line.values[index] ?? 0), 0));
  return [...own, { name: `${rest.length} others`, values }];
}
