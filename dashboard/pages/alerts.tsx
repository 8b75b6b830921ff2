/** Alerts: what needs somebody, firing first, and beside it the numbers, the runbook and the two keys that answer it. */

import { useEffect, useRef } from 'preact/hooks';
import type { AlertLine, AlertPage } from '../../receiver/serve/shape_alerts.ts';
import { AlertDetailPane } from '../alerts/detail.tsx';
import { AlertList } from '../alerts/list.tsx';
import { apiPath, useApi } from '../api.ts';
import { useKeys } from '../keys.ts';
import type { PageProps } from '../page.ts';
import { Empty, Show } from '../parts/states.tsx';
import { hrefOf, navigate } from '../router.ts';
import { Choice, Typed } from '../runs/run_filters.tsx';

const EVERY_MS = 10_000;
const OPEN = 'firing,acked,snoozed';
const STATES: [string, string][] = [
  [OPEN, 'open'],
  ['firing', 'firing'],
  ['resolved', 'resolved'],
];

export function AlertsPage({ place, session }: PageProps) {
  const { query } = place;
  const run = query.get('run');
  const path = apiPath('/alerts', {
    tenant: query.get('tenant'),
    state: query.get('state'),
    run,
    limit: 100,
  });
  const loaded = useApi<AlertPage>(path, { everyMs: EVERY_MS });
  const chosen = place.parts[1] ?? null;
  return (
    <>
      <div class="section-head">
        <h1>Alerts</h1>
        <search class="filters">
          <Choice name="state" label="State" query={query} choices={STATES} />
          {session.kind === 'admin' && <Typed name="tenant" label="Tenant" query={query} isFirst />}
          {run !== null && <Typed name="run" label="Run" query={query} />}
        </search>
      </div>
      <Show of={loaded} name="alerts" lines={8}>
        {(page) => (
          <Panes
            page={page}
            chosen={chosen}
            query={query}
            showsTenant={session.kind === 'admin'}
            canAct={session.can_review}
            onChanged={loaded.reload}
          />
        )}
      </Show>
    </>
  );
}

interface PanesProps {
  page: AlertPage;
  /** Id in the address. */
  chosen: string | null;
  query: URLSearchParams;
  showsTenant: boolean;
  canAct: boolean;
  onChanged: () => void;
}

function Panes({ page, chosen, query, showsTenant, canAct, onChanged }: PanesProps) {
  const { open } = page;
  const alerts = inOrder(page.alerts);
  const isWide = matchMedia('(min-width: 900px)').matches;
  // Where both fit, the first is shown; on a phone the list comes first.
  const shown = chosen ?? (isWide && alerts[0] !== undefined ? String(alerts[0].alert_id) : null);
  const index = alerts.findIndex(({ alert_id }) => String(alert_id) === shown);
  const hrefFor = (alert: AlertLine) => hrefOf(['alerts', alert.alert_id], Object.fromEntries(query));
  const goTo = (to: number) => {
    const alert = alerts[Math.max(0, Math.min(alerts.length - 1, to))];
    if (alert !== undefined) navigate(hrefFor(alert), { replace: chosen !== null });
  };
  useKeys({ j: () => goTo(index + 1), k: () => goTo(index - 1) });
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('.at')?.scrollIntoView({ block: 'nearest' });
  }, [shown]);

  if (alerts.length === 0 && chosen === null) return <Quiet isFiltered={query.size > 0} />;
  return (
    <div class={chosen === null ? 'panes' : 'panes one-chosen'}>
      <div ref={list} class="pane-list">
        <p class="faint tally">
          {open.firing} firing, {open.acked} acknowledged, {open.snoozed} snoozed
        </p>
        <AlertList alerts={alerts} shown={shown} hrefFor={hrefFor} showsTenant={showsTenant} />
      </div>
      {shown !== null && (
        <div class="pane-detail">
          {chosen !== null && (
            <a class="back" href={hrefOf(['alerts'], Object.fromEntries(query))}>
              All alerts
            </a>
          )}
          <AlertDetailPane key={shown} id={shown} canAct={canAct} onChanged={onChanged} />
        </div>
      )}
    </div>
  );
}

const RANK: Record<AlertLine['state'], number> = { firing: 0, acked: 1, snoozed: 1, resolved: 2 };

/** Firing first, and among those whom one is woken for; else the newest first, as they came. */
function inOrder(alerts: AlertLine[]): AlertLine[] {
  return [...alerts].sort(
    (a, b) =>
      RANK[a.state] - RANK[b.state] ||
      (a.state === 'firing' ? Number(b.severity === 'page') - Number(a.severity === 'page') : 0),
  );
}

function Quiet({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No alert fits these filters">
        <p>
          <a href={hrefOf(['alerts'])}>Take all filters away</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing needs you">
      <p>
        No alert has ever fired here. What is watched, and where messages go: <code>npx runledger alerts rules</code>{' '}
        and <code>npx runledger channel list</code>.
      </p>
    </Empty>
  );
}
