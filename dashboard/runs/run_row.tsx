/** A line of the list of runs. */

import type { ListedRun } from '../../receiver/serve/shape.ts';
import { UsualDuration } from '../parts/run_marks.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, Count, Money, Time } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { ErrorShare } from './last_night.tsx';

interface RunRowProps {
  run: ListedRun;
  showsTenant: boolean;
  /** Whether the keyboard is here. */
  isAt: boolean;
}

export function RunRow({ run, showsTenant, isAt }: RunRowProps) {
  const href = hrefOf(['runs', run.tenant_id, run.run_id]);
  return (
    <tr class={isAt ? 'at' : undefined} aria-selected={isAt ? true : undefined}>
      <td>
        <a class="quiet-link" href={href}>
          <Status status={run.status} degraded={run.degraded} />
        </a>
      </td>
      <th scope="row">
        <a href={href}>{run.pipeline ?? 'no pipeline named'}</a>
        {showsTenant && <span class="of"> {run.tenant_name ?? `tenant ${run.tenant_id}`}</span>}
      </th>
      <td class="run-key">
        <span class="mono faint">{run.run_key ?? `run ${run.run_id}`}</span>
        {run.environment !== null && <span class="faint"> {run.environment}</span>}
        {run.excluded && <span class="faint"> · left out of baselines</span>}
        {run.complete === false && <span class="warn"> · incomplete</span>}
      </td>
      <td class="num">
        <Time at={run.started_at} />
        <span class="ago faint">
          <Ago at={run.started_at} />
        </span>
      </td>
      <td>
        <UsualDuration ms={run.duration_ms ?? soFar(run)} usualMs={run.usual_duration_ms} usualRuns={run.usual_runs} />
      </td>
      <td class="num">
        <Count value={run.items} />
      </td>
      <td class="num">
        <ErrorShare errors={run.stage_errors} items={run.items} />
      </td>
      <td class="num">
        <Money usd={run.cost_usd} complete={run.cost_complete} />
      </td>
      <td class="num">
        {run.open_alerts === 0 ? (
          <span class="faint">0</span>
        ) : (
          <a href={hrefOf(['alerts'], { tenant: String(run.tenant_id), run: String(run.run_id) })} class="bad">
            {run.open_alerts}
          </a>
        )}
      </td>
    </tr>
  );
}

/** How long a run has been at work. */
export function soFar(run: Pick<ListedRun, 'status' | 'started_at'>): number | null {
  if (run.status !== 'running' || run.started_at === null) return null;
  return Math.max(0, Date.now() - Date.parse(run.started_at));
}
