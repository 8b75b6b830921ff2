/** Budgets: what is spent of each, where the month will end, and what to do about those that are over. */

import type { Budget, Budgets } from '../../receiver/serve/shape_costs.ts';
import { formatCount, formatMoney, formatPercent } from '../format.ts';
import { Empty } from '../parts/states.tsx';
import { Mark } from '../parts/status.tsx';
import { Missing, Money } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';

const LOOKS = {
  over: { tone: 'bad', shape: 'cross', word: 'over budget' },
  near: { tone: 'warn', shape: 'triangle', word: 'near' },
  ok: { tone: 'good', shape: 'disc', word: 'ok' },
} as const;

interface BudgetTableProps {
  budgets: Budgets;
  /** Whoever sees several tenants needs to know which. */
  showsTenant: boolean;
}

export function BudgetTable({ budgets: { budgets }, showsTenant }: BudgetTableProps) {
  if (budgets.length === 0) return <NoBudget />;
  return (
    <div class="scroll">
      <table class="vendors budgets">
        <thead>
          <tr>
            <th scope="col">Budget</th>
            {showsTenant && <th scope="col">Tenant</th>}
            <th scope="col">State</th>
            <th scope="col" class="num">
              Spent
            </th>
            <th scope="col" class="num">
              Of
            </th>
            <th scope="col">Used</th>
            <th scope="col" class="num">
              Month's end
            </th>
            <th scope="col">Leads to</th>
          </tr>
        </thead>
        <tbody>
          {budgets.map((budget) => (
            <BudgetRow
              key={`${budget.rule} ${budget.tenant_id} ${budget.scope} ${budget.pipeline}\0${budget.environment}`}
              budget={budget}
              showsTenant={showsTenant}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function BudgetRow({ budget, showsTenant }: { budget: Budget; showsTenant: boolean }) {
  const look = LOOKS[budget.state];
  return (
    <tr>
      <th scope="row">
        {titleOf(budget)}
        <span class="under faint">{underOf(budget)}</span>
      </th>
      {showsTenant && <td class="tight">{budget.tenant_name ?? `tenant ${budget.tenant_id}`}</td>}
      <td>
        <span class={`status ${look.tone}`}>
          <Mark shape={look.shape} />
          {look.word}
        </span>
      </td>
      <td class="num">
        <Money usd={budget.spent_usd} complete={budget.cost_complete} />
      </td>
      <td class="num">
        <Money usd={budget.limit_usd} />
      </td>
      <td class="share">
        <svg viewBox="0 0 80 8" aria-hidden="true">
          <rect class={look.tone} width={80 * Math.min(1, budget.used)} height="8" />
        </svg>
        <span class="faint">
          {budget.used > 1 ? `${formatCount(budget.used * 100)} %` : formatPercent(budget.used)}
        </span>
      </td>
      <td class="num">
        <Projection budget={budget} />
      </td>
      <td class="leads">
        {budget.alert_id !== null && <a href={hrefOf(['alerts', budget.alert_id])}>alert</a>}
        {budget.run !== null && <a href={hrefOf(['runs', budget.tenant_id, budget.run.run_id])}>run</a>}
        <a href={hrefOf(['runbooks', budget.code])} aria-label={`runbook ${budget.code}`}>
          {budget.code}
        </a>
      </td>
    </tr>
  );
}

function Projection({ budget: { projected_usd, limit_usd, cost_complete } }: { budget: Budget }) {
  if (projected_usd === null) return <Missing why="told of months alone" />;
  const isOver = Number(projected_usd) > Number(limit_usd);
  const title = `$${projected_usd}, if the days to come cost what those of the last four weeks did`;
  return (
    <span class={isOver ? 'warn' : undefined} title={title}>
      {!cost_complete && <span class="faint">at least </span>}
      {formatMoney(projected_usd)}
      {isOver && <span class="unseen"> (over the budget)</span>}
    </span>
  );
}

function titleOf({ scope, pipeline }: Budget): string {
  if (scope === 'month') return 'This month';
  if (scope === 'day') return 'Today';
  return `A run of ${pipeline ?? 'no pipeline'}`;
}

function underOf({ scope, environment, runs }: Budget): string {
  if (scope === 'run') return `${environment === null ? '' : `${environment}, `}the latest that ended`;
  return `UTC, ${runs === 1 ? 'one run' : `${runs} runs`} that ended in it`;
}

function NoBudget() {
  return (
    <Empty title="No budget is set">
      <p>
        A budget is a limit of the rule <code>cost_budget</code>, of each run, of a day or of a month. It is watched
        from then on, and tells of itself by an alert:
      </p>
      <pre class="command">
        <code>runledger rule set cost_budget --tenant 7 per_run_usd=2 per_day_usd=25 per_month_usd=500</code>
      </pre>
    </Empty>
  );
}
