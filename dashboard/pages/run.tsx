/** One run: what happened, stage by stage, and why. Overview, events and comparison are parts of one address. */

import type { RunDetail, RunStats } from '../../receiver/serve/shape.ts';
import type { RunErrors, RunTimeline } from '../../receiver/serve/shape_events.ts';
import { useApi } from '../api.ts';
import { useKeys } from '../keys.ts';
import type { PageProps } from '../page.ts';
import { Show } from '../parts/states.tsx';
import { hrefOf, setQuery } from '../router.ts';
import { Compare } from '../run/compare.tsx';
import { ErrorGroups } from '../run/errors.tsx';
import { Events } from '../run/events.tsx';
import { RunHeader } from '../run/header.tsx';
import { Metrics } from '../run/metrics.tsx';
import { type RunPlace, refreshMs, runPath } from '../run/run_api.ts';
import { Stages } from '../run/stages.tsx';
import { VendorLedger } from '../run/vendors.tsx';
import { Why } from '../run/why.tsx';

const VIEWS = [
  { view: null, name: 'Overview', key: 'o' },
  { view: 'events', name: 'Events', key: 'e' },
  { view: 'compare', name: 'Compare', key: 'c' },
] as const;

export function RunPage({ place }: PageProps) {
  const [, tenant = '', run = ''] = place.parts;
  const at: RunPlace = { tenant, run };
  const loaded = useApi<RunDetail>(runPath(at), { everyMs: refreshMs });
  useKeys(Object.fromEntries(VIEWS.map(({ view, key }) => [key, () => setQuery({ view }, {})])));
  const view = place.query.get('view');

  return (
    <>
      {loaded.data === null && <h1>Run {run}</h1>}
      <Show of={loaded} name="the run" lines={14}>
        {(detail) => (
          <>
            <RunHeader run={detail} />
            <nav class="views" aria-label="Parts of this run">
              {VIEWS.map((one) => (
                <a
                  key={one.name}
                  href={hrefOf(['runs', tenant, run], { view: one.view })}
                  aria-current={one.view === view ? 'page' : undefined}
                >
                  {one.name}
                </a>
              ))}
            </nav>
            {view === 'events' && <Events at={at} run={detail} query={place.query} />}
            {view === 'compare' && <Compare at={at} run={detail} withRun={place.query.get('with')} />}
            {view === null && <Overview at={at} run={detail} stage={place.query.get('stage')} />}
          </>
        )}
      </Show>
    </>
  );
}

function Overview({ at, run, stage }: { at: RunPlace; run: RunDetail; stage: string | null }) {
  const everyMs = refreshMs(run);
  const stats = useApi<RunStats>(runPath(at, 'stats'), { everyMs });
  const timeline = useApi<RunTimeline>(runPath(at, 'timeline'), { everyMs });
  const errors = useApi<RunErrors>(runPath(at, 'errors'), { everyMs });
  const isReading = [stats, errors].some(({ data, error }) => data === null && error === null);
  return (
    <>
      <Why at={at} run={run} stats={stats.data} errors={errors.data} isReading={isReading} />
      <section aria-labelledby="stages">
        <h2 id="stages">Stages</h2>
        <Show of={stats} name="its stages" lines={8}>
          {({ stage_stats }) => (
            <Stages at={at} run={run} stages={stage_stats} timeline={timeline.data} errors={errors.data} open={stage} />
          )}
        </Show>
      </section>
      <section aria-labelledby="vendors">
        <h2 id="vendors">Vendors</h2>
        <Show of={stats} name="its vendors" lines={4}>
          {({ vendor_usage, model_usage }) => <VendorLedger at={at} vendors={vendor_usage} models={model_usage} />}
        </Show>
      </section>
      <section aria-labelledby="errors">
        <h2 id="errors">What failed</h2>
        <Show of={errors} name="its errors" lines={4}>
          {(found) => <ErrorGroups at={at} errors={found} />}
        </Show>
      </section>
      <Metrics at={at} everyMs={everyMs} />
    </>
  );
}
