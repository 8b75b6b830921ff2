/** The list of alerts, in the order in which they need somebody. */

import type { AlertLine } from '../../receiver/serve/shape_alerts.ts';
import { formatDuration, spaced } from '../format.ts';
import { Status } from '../parts/status.tsx';
import { Ago } from '../parts/values.tsx';

interface AlertListProps {
  alerts: AlertLine[];
  shown: string | null;
  hrefFor: (alert: AlertLine) => string;
  showsTenant: boolean;
}

const GROUPS: { name: string; states: AlertLine['state'][] }[] = [
  { name: 'Open', states: ['firing', 'acked', 'snoozed'] },
  { name: 'Resolved', states: ['resolved'] },
];

export function AlertList({ alerts, shown, hrefFor, showsTenant }: AlertListProps) {
  return (
    <>
      {GROUPS.map(({ name, states }) => {
        const own = alerts.filter(({ state }) => states.includes(state));
        if (own.length === 0) return null;
        return (
          <section key={name} class="alert-group" aria-label={name}>
            <h2>{name}</h2>
            <ul>
              {own.map((alert) => (
                <li key={alert.alert_id} class={String(alert.alert_id) === shown ? 'at' : undefined}>
                  <a href={hrefFor(alert)} aria-current={String(alert.alert_id) === shown ? 'true' : undefined}>
                    <span class="alert-title">
                      <span class="alert-code">{alert.code}</span> {alert.title}
                    </span>
                    <span class="alert-words faint">
                      {[spaced(alert.subject), alert.pipeline, showsTenant ? tenantOf(alert) : '']
                        .filter((part) => part !== '')
                        .join(' · ')}
                    </span>
                    <span class="alert-state">
                      {alert.state === 'firing' ? <Status status={alert.severity} /> : <Status status={alert.state} />}
                      <span class="faint">
                        {alert.resolved_at === null ? <Ago at={alert.fired_at} /> : `lasted ${lastedOf(alert)}`}
                      </span>
                    </span>
                  </a>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

export function tenantOf(alert: Pick<AlertLine, 'tenant_id' | 'tenant_name'>): string {
  if (alert.tenant_id === 0) return 'the installation';
  return alert.tenant_name ?? `tenant ${alert.tenant_id}`;
}

export function lastedOf(alert: Pick<AlertLine, 'fired_at' | 'resolved_at'>): string {
  const endMs = alert.resolved_at === null ? Date.now() : Date.parse(alert.resolved_at);
  return formatDuration(endMs - Date.parse(alert.fired_at));
}
