/** Trends: are we getting better? Service levels over some weeks, and small charts whose crosshair moves together. */

import type { PipelinePage } from '../../receiver/serve/shape.ts';
import type { TenantLine } from '../../receiver/serve/shape_admin.ts';
import type { Budgets, TrendCosts } from '../../receiver/serve/shape_costs.ts';
import type { Trends } from '../../receiver/serve/shape_trends.ts';
import { apiPath, useApi } from '../api.ts';
import type { PageProps } from '../page.ts';
import { Empty, Outline, Show } from '../parts/states.tsx';
import { setQuery } from '../router.ts';
import { Choice } from '../runs/run_filters.tsx';
import { BudgetTable } from '../trends/budgets.tsx';
import { Costs } from '../trends/costs.tsx';
import { useLate } from '../trends/late.ts';
import { Levels } from '../trends/levels.tsx';

const EVERY_MS = 60_000;
const loadCharts = () => import('../trends/charts.tsx');
const WEEKS: [string, string][] = [
  ['1', '1 week'],
  ['4', '4 weeks'],
  ['26', '26 weeks'],
  ['52', 'a year'],
];

export function TrendsPage({ place, session }: PageProps) {
  const { query } = place;
  const tenants = useApi<{ tenants: TenantLine[] }>('/tenants');
  const pipelines = useApi<PipelinePage>(apiPath('/pipelines', { tenant: query.get('tenant') }));
  const names = [...new Set((pipelines.data?.pipelines ?? []).flatMap(({ pipeline }) => pipeline ?? []))].sort();
  // Runs of several tenants at one moment would hide each other.
  const byItself = session.kind === 'admin' && !query.has('tenant') ? 'day' : 'run';
  const path = apiPath('/trends', {
    tenant: query.get('tenant'),
    pipeline: query.get('pipeline'),
    weeks: query.get('weeks'),
    by: query.get('by') ?? byItself,
  });
  const loaded = useApi<Trends>(path, { everyMs: EVERY_MS });
  const { part: Charts, hasFailed } = useLate(loadCharts);
  const isWaiting = loaded.error === null && (loaded.data === null || (Charts === null && !hasFailed));
  return (
    <>
      <div class="section-head">
        <h1>Trends</h1>
        <search class="filters">
          {session.kind === 'admin' && (
            <Choice
              name="tenant"
              label="Tenant"
              query={query}
              choices={(tenants.data?.tenants ?? []).map((one) => [
                String(one.tenant_id),
                one.name ?? `tenant ${one.tenant_id}`,
              ])}
            />
          )}
          <Choice name="pipeline" label="Pipeline" query={query} choices={names.map((name) => [name, name])} />
          <Choice name="weeks" label="Time" query={query} all="8 weeks" choices={WEEKS} />
          <Choice
            name="by"
            label="A point is"
            query={query}
            all={`a ${byItself}`}
            choices={byItself === 'day' ? [['run', 'a run']] : [['day', 'a day']]}
          />
        </search>
      </div>
      <Show of={loaded} name="trends" lines={16}>
        {(trends) =>
          trends.points.length === 0 ? (
            <Empty title="No runs in this time">
              <p>
                <button type="button" onClick={() => setQuery({ weeks: '52', pipeline: null })}>
                  Look at a year
                </button>
              </p>
            </Empty>
          ) : (
            <>
              {trends.truncated && (
                <p class="note">More than 1,000 runs: the newest are here. A point a day shows them all.</p>
              )}
              <Levels trends={trends} />
              {hasFailed && <p class="note warn">The charts could not be loaded. Load the page again.</p>}
              {Charts !== null && <Charts trends={trends} />}
              {isWaiting && <Outline name="the charts" lines={16} />}
            </>
          )
        }
      </Show>
      <div class={isWaiting ? 'unsettled' : undefined}>
        <CostSection query={query} />
        <BudgetSection query={query} isAdmin={session.kind === 'admin'} />
      </div>
    </>
  );
}

function CostSection({ query }: { query: URLSearchParams }) {
  const path = apiPath('/trends/costs', {
    tenant: query.get('tenant'),
    pipeline: query.get('pipeline'),
    weeks: query.get('weeks'),
    by: query.get('per'),
  });
  const loaded = useApi<TrendCosts>(path, { everyMs: EVERY_MS });
  return (
    <section aria-labelledby="costs">
      <div class="section-head">
        <h2 id="costs">Cost by vendor and model</h2>
        <search class="filters" aria-label="Costs">
          <Choice
            name="per"
            label="A bar is"
            query={query}
            all="a week"
            choices={[
              ['day', 'a day'],
              ['month', 'a month'],
            ]}
          />
        </search>
      </div>
      <Show of={loaded} name="costs" lines={12}>
        {(costs) => <Costs costs={costs} />}
      </Show>
    </section>
  );
}

function BudgetSection({ query, isAdmin }: { query: URLSearchParams; isAdmin: boolean }) {
  const tenant = query.get('tenant');
  const loaded = useApi<Budgets>(apiPath('/budgets', { tenant }), { everyMs: EVERY_MS });
  return (
    <section aria-labelledby="budgets">
      <h2 id="budgets">Budgets</h2>
      <Show of={loaded} name="budgets" lines={4}>
        {(budgets) => <BudgetTable budgets={budgets} showsTenant={isAdmin && tenant === null} />}
      </Show>
    </section>
  );
}
