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
  const alerts = useStableOrder(page.alerts);
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
  const changed = () => {
    const alert = alerts[index];
    if (chosen === null && alert !== undefined) navigate(hrefFor(alert), { replace: true });
    onChanged();
  };
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
          <AlertDetailPane key={shown} id={shown} canAct={canAct} onChanged={changed} />
        </div>
      )}
    </div>
  );
}

const RANK: Record<AlertLine['state'], number> = { firing: 0, acked: 2, snoozed: 2, resolved: 4 };

/**
 * Firing first, and among those whom one is woken for; else the newest first, as they came. An alert keeps the place in which it was first
 * seen while it is open: what somebody has just answered must not slip away under their eyes.
 */
function useStableOrder(alerts: AlertLine[]): AlertLine[] {
  const ranks = useRef(new Map<number, number>());
  const rankOf = ({ alert_id, state, severity }: AlertLine) => {
    const known = ranks.current.get(alert_id);
    if (known !== undefined && state !== 'resolved') return known;
    const rank = RANK[state] + (severity === 'page' ? 0 : 1);
    ranks.current.set(alert_id, rank);
    return rank;
  };
  const ranked = alerts.map((alert) => ({ alert, rank: rankOf(alert) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ alert }) => alert);
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
        No alert has fired here yet; the rules are judged every five minutes. What is watched, and where messages go:{' '}
        <code>npx runledger rule list</code> and <code>npx runledger channel list</code>.
      </p>
    </Empty>
  );
}
