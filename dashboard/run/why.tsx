/** Why a run is not simply good, in a few lines with the way onward: alerts with their runbooks, failed stages, spent quotas, frequent errors. */

import type { RunDetail, RunStats } from '../../receiver/serve/shape.ts';
import type { AlertLine, AlertPage } from '../../receiver/serve/shape_alerts.ts';
import type { RunErrors } from '../../receiver/serve/shape_events.ts';
import { apiPath, useApi } from '../api.ts';
import { formatCount, plural, spaced } from '../format.ts';
import { Outline } from '../parts/states.tsx';
import { Mark } from '../parts/status.tsx';
import { hrefOf } from '../router.ts';
import { type RunPlace, refreshMs } from './run_api.ts';

interface WhyProps {
  at: RunPlace;
  run: RunDetail;
  stats: RunStats | null;
  errors: RunErrors | null;
  /** Some of them are still to come. */
  isReading: boolean;
}

const CODES = 3;
const OUTLINE_LINES = 5;

/** Whom one is woken for comes before what can wait. */
export function pagesFirst(a: { severity: string }, b: { severity: string }): number {
  return Number(b.severity === 'page') - Number(a.severity === 'page');
}

export function Why({ at, run, stats, errors, isReading }: WhyProps) {
  const alerts = useApi<AlertPage>(apiPath('/alerts', { tenant: at.tenant, run: run.run_id, limit: 20 }), {
    everyMs: refreshMs(run),
  });
  const open = (alerts.data?.alerts ?? []).filter(({ state }) => state !== 'resolved').sort(pagesFirst);
  const failed = (stats?.stage_stats ?? []).filter(({ status }) => status === 'error');
  const alerted = new Set(open.map(({ subject }) => subject));
  const limited = (stats?.vendor_usage ?? []).filter(
    (vendor) => (vendor.quota_exhausted || vendor.rate_limit_hits > 0) && !alerted.has(vendor.vendor),
  );
  const isTrouble = run.status === 'failed' || run.status === 'abandoned' || run.degraded;
  // All at once, because what comes in one by one pushes the page down under whoever reads it.
  if (isReading || (alerts.data === null && alerts.error === null)) {
    return isTrouble || run.open_alerts > 0 ? <Outline name="why" lines={OUTLINE_LINES} /> : null;
  }
  if (open.length === 0 && failed.length === 0 && limited.length === 0 && !isTrouble) return null;
  const groups = errors?.groups.slice(0, CODES) ?? [];
  return (
    <section class="why" aria-label="Why">
      <ul>
        {run.status === 'failed' && !open.some(({ code }) => code === 'RF-07') && (
          <li class="bad">
            <Mark shape="cross" />
            <span>
              The run failed. <RunbookLink code="RF-07" />
            </span>
          </li>
        )}
        {failed.map(({ stage, count_error, count_total }) => (
          <li key={stage} class="bad">
            <Mark shape="cross" />
            <span>
              Stage <a href={hrefOf(['runs', at.tenant, at.run], { stage })}>{stage}</a> failed
              {count_total > 0 && `: ${formatCount(count_error)} of ${plural(count_total, 'unit')} in error`}.
            </span>
          </li>
        ))}
        {open.map((alert) => (
          <AlertReason key={alert.alert_id} alert={alert} />
        ))}
        {limited.map(({ vendor, quota_exhausted, rate_limit_hits }) => (
          <li key={vendor} class={quota_exhausted ? 'bad' : 'warn'}>
            <Mark shape={quota_exhausted ? 'cross' : 'triangle'} />
            <span>
              {vendor}: {quota_exhausted ? 'its quota is used up' : 'it asked to slow down'}
              {rate_limit_hits > 0 && `, ${plural(rate_limit_hits, 'rate limit')} hit`}.{' '}
              <RunbookLink code={vendor === 'openai' ? 'OA-04' : 'VQ-03'} />
            </span>
          </li>
        ))}
        {groups.length > 0 && (
          <li>
            <Mark shape="bar" />
            <span>
              Most frequent:{' '}
              {groups.map((group, index) => (
                <span key={group.error_code}>
                  {index > 0 && ', '}
                  <a href={hrefOf(['runs', at.tenant, at.run], { view: 'events', error_code: group.error_code })}>
                    {group.error_code ?? 'errors without a code'}
                  </a>{' '}
                  {formatCount(group.count)}×
                </span>
              ))}
            </span>
          </li>
        )}
        {run.status === 'abandoned' && (
          <li>
            <Mark shape="bar" />
            <span>
              Nothing was heard of it any more and it never said that it ended. <RunbookLink code="RS-09" />
            </span>
          </li>
        )}
      </ul>
    </section>
  );
}

/** Where no alert leads to it any more, because a later run was bad too, or things are good again. */
function RunbookLink({ code }: { code: string }) {
  return <a href={hrefOf(['runbooks', code])}>Runbook {code}</a>;
}

function AlertReason({ alert }: { alert: AlertLine }) {
  return (
    <li class={alert.severity === 'page' ? 'bad' : 'warn'}>
      <Mark shape={alert.severity === 'page' ? 'cross' : 'triangle'} />
      <span>
        <a class="why-alert" href={hrefOf(['alerts', alert.alert_id])}>
          {alert.code} {alert.title}
        </a>
        {alert.subject !== '' && ` (${spaced(alert.subject)})`}
        <span class="faint"> {alert.state === 'firing' ? 'firing' : alert.state}, with its runbook</span>
      </span>
    </li>
  );
}
