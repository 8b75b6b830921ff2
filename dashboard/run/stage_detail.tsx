/** What a stage opens to: how its durations spread against the run before, its failures, and its slowest items. */

import type { RunComparison, StageStats } from '../../receiver/serve/shape.ts';
import type { EventPage, RunDurations, RunErrors } from '../../receiver/serve/shape_events.ts';
import { useApi } from '../api.ts';
import { formatDuration } from '../format.ts';
import { Show } from '../parts/states.tsx';
import { hrefOf } from '../router.ts';
import { ErrorGroups } from './errors.tsx';
import { itemName } from './event_row.tsx';
import { Histogram } from './histogram.tsx';
import { type RunPlace, runPath } from './run_api.ts';

interface StageDetailProps {
  at: RunPlace;
  stage: StageStats;
  errors: RunErrors | null;
}

const SLOWEST = 5;

export function StageDetail({ at, stage, errors }: StageDetailProps) {
  const name = stage.stage;
  const durations = useApi<RunDurations>(runPath(at, 'durations', { stage: name }));
  const before = useApi<RunComparison>(runPath(at, 'compare'));
  const other = before.data?.with ?? null;
  const ghost = useApi<RunDurations>(
    other === null
      ? null
      : runPath({ tenant: String(other.tenant_id), run: String(other.run_id) }, 'durations', { stage: name }),
  );
  const own = errors?.groups.filter((group) => (group.stages[name] ?? 0) > 0) ?? [];
  return (
    <div class="stage-detail">
      <div>
        <h3>
          How long it took, of each {stage.duration_class === 'vendor_call' ? 'call' : (stage.duration_class ?? 'item')}
        </h3>
        <Show of={durations} name="its durations" lines={5}>
          {(own) => <Histogram durations={own} before={ghost.data} percentiles={stage} />}
        </Show>
      </div>
      <Slowest at={at} stage={name} />
      {errors !== null && own.length > 0 && (
        <div class="stage-errors">
          <h3>What failed in it</h3>
          <ErrorGroups at={at} errors={{ ...errors, groups: own }} stage={name} />
        </div>
      )}
    </div>
  );
}

function Slowest({ at, stage }: { at: RunPlace; stage: string }) {
  const loaded = useApi<EventPage>(runPath(at, 'events', { stage, kind: 'item', sort: 'slowest', limit: SLOWEST }));
  return (
    <div>
      <h3>Slowest items</h3>
      <Show of={loaded} name="its slowest items" lines={SLOWEST}>
        {({ events }) =>
          events.length === 0 ? (
            <p class="faint">No items here.</p>
          ) : (
            <ol class="slowest">
              {events.map((event) => (
                <li key={event.span_id + event.seq}>
                  <a
                    href={hrefOf(['runs', at.tenant, at.run], {
                      view: 'events',
                      stage,
                      item: event.company_id === null ? null : String(event.company_id),
                    })}
                  >
                    {itemName(event)}
                  </a>
                  <span class={event.status === 'error' ? 'bad' : 'faint'}>
                    {event.status === 'ok' ? '' : (event.error_code ?? event.status)}
                  </span>
                  <span class="num">{formatDuration(event.duration_ms)}</span>
                </li>
              ))}
            </ol>
          )
        }
      </Show>
    </div>
  );
}
