/** What vendors and models cost: bars over time, and a table with each one's share, tokens, and change against the time before. */

import type { TrendCosts } from '../../receiver/serve/shape_costs.ts';
import { formatChange, formatPercent, plural } from '../format.ts';
import { Empty, Outline } from '../parts/states.tsx';
import { Count, Missing, Money, Trouble } from '../parts/values.tsx';
import { useLate } from './late.ts';
import { modelKey, modelName } from './model_names.ts';

const loadChart = () => import('./cost_chart.tsx');

/** After the cost and its share; the money first, because a phone shows the beginning. */
const COLUMNS = ['Before', 'Change', 'Per 1k items', 'Calls', 'Errors', 'Tokens in', 'Tokens out'];

export function Costs({ costs }: { costs: TrendCosts }) {
  if (costs.models.length === 0) {
    return (
      <Empty title="No vendor was called in this time">
        <p>
          What a call cost is what its span says, or follows from its model and tokens. A model is what{' '}
          <code>vendorCall('openai', {"{ model: 'gpt-4o-mini' }"}, ask)</code> of the SDK says, or{' '}
          <code>gen_ai.request.model</code>.
        </p>
      </Empty>
    );
  }
  return (
    <>
      <LateChart costs={costs} />
      <CostTable costs={costs} />
    </>
  );
}

function CostTable({ costs }: { costs: TrendCosts }) {
  const { total, previous, models } = costs;
  return (
    <div class="scroll">
      <table class="vendors costs">
        <caption class="faint">
          {plural(total.runs, 'run')}; before: {plural(previous.runs, 'run')} in as long a time
        </caption>
        <thead>
          <tr>
            <th scope="col">Vendor and model</th>
            <th scope="col" class="num">
              Cost
            </th>
            <th scope="col">Share of cost</th>
            {COLUMNS.map((name) => (
              <th key={name} scope="col" class="num">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <ModelRow key={modelKey(model)} model={model} hasBefore={previous.runs > 0} />
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Total</th>
            <td class="num">
              <Money usd={total.cost_usd} complete={total.cost_complete} />
            </td>
            <td />
            <td class="num">
              {previous.runs === 0 ? (
                <NoneBefore />
              ) : (
                <Money usd={previous.cost_usd} complete={previous.cost_complete} />
              )}
            </td>
            <td class="num">
              <Change now={total.cost_usd} before={previous.cost_usd} />
            </td>
            <td class="num">
              <PerThousand usd={total.usd_per_thousand_items} complete={total.cost_complete} />
            </td>
            <td class="num" colSpan={4} />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function ModelRow({ model, hasBefore }: { model: TrendCosts['models'][number]; hasBefore: boolean }) {
  return (
    <tr>
      <th scope="row">{modelName(model)}</th>
      <td class="num">
        <Money usd={model.cost_usd} complete={model.cost_complete} />
      </td>
      <td class="share">
        {model.share !== null && (
          <>
            <svg viewBox="0 0 80 8" aria-hidden="true">
              <rect width={80 * model.share} height="8" />
            </svg>
            <span class="faint">{formatPercent(model.share)}</span>
          </>
        )}
      </td>
      <td class="num">
        {hasBefore ? <Money usd={model.previous_cost_usd} complete={model.previous_cost_complete} /> : <NoneBefore />}
      </td>
      <td class="num">
        <Change now={model.cost_usd} before={model.previous_cost_usd} />
      </td>
      <td class="num">
        <PerThousand usd={model.usd_per_thousand_items} complete={model.cost_complete} />
      </td>
      <td class="num">
        <Count value={model.calls} />
      </td>
      <td class="num">
        <Trouble value={model.errors} />
      </td>
      <td class="num">
        <Tokens value={model.tokens_input} />
      </td>
      <td class="num">
        <Tokens value={model.tokens_output} />
      </td>
    </tr>
  );
}

function Tokens({ value }: { value: number }) {
  return value === 0 ? <span class="faint">0</span> : <Count value={value} />;
}

function NoneBefore() {
  return <Missing why="there was no run in the time before" />;
}

function PerThousand({ usd, complete }: { usd: string | null; complete: boolean }) {
  if (usd === null) return <Missing why="no run says how many items it delivered (metric items_delivered)" />;
  return <Money usd={usd} complete={complete} />;
}

function Change({ now, before }: { now: string; before: string }) {
  const change = formatChange(Number(now), Number(before));
  return change === null ? <Missing why="nothing was paid in the time before" /> : <span>{change}</span>;
}

function LateChart({ costs }: { costs: TrendCosts }) {
  const { part: Drawn, hasFailed } = useLate(loadChart);
  if (hasFailed) return <p class="note warn">The chart could not be loaded. Load the page again.</p>;
  return Drawn === null ? <Outline name="the chart" lines={8} /> : <Drawn costs={costs} />;
}
