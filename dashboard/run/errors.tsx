/** The failures of a run by their code, each with where it happened and up to three examples. */

import type { ErrorGroup, RunErrors } from '../../receiver/serve/shape_events.ts';
import { formatClock, formatCount, formatTimeExact, plural } from '../format.ts';
import { Count } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { itemName } from './event_row.tsx';
import type { RunPlace } from './run_api.ts';

interface ErrorGroupsProps {
  at: RunPlace;
  errors: RunErrors;
  /** Only those of this stage, which is then not named again. */
  stage?: string;
}

export function ErrorGroups({ at, errors, stage }: ErrorGroupsProps) {
  if (errors.groups.length === 0) return <p class="faint">Nothing failed.</p>;
  const missing = errors.codes - errors.groups.length;
  return (
    <>
      <div class="scroll">
        <table class="errors">
          <thead>
            <tr>
              <th scope="col" class="num">
                Times
              </th>
              <th scope="col">Error</th>
              <th scope="col" class="num">
                Items
              </th>
              <th scope="col">Where</th>
              <th scope="col">Examples</th>
              <th scope="col" class="num">
                Last at
              </th>
            </tr>
          </thead>
          <tbody>
            {errors.groups.map((group) => (
              <GroupRow key={group.error_code} at={at} group={group} stage={stage} />
            ))}
          </tbody>
        </table>
      </div>
      {stage === undefined && missing > 0 && (
        <p class="faint">{plural(missing, 'rarer code')} not shown; the events have them all.</p>
      )}
    </>
  );
}

function GroupRow({ at, group, stage }: { at: RunPlace; group: ErrorGroup; stage: string | undefined }) {
  const events = (more: Record<string, string | null>) =>
    hrefOf(['runs', at.tenant, at.run], {
      view: 'events',
      status: 'error',
      error_code: group.error_code,
      stage: stage ?? null,
      ...more,
    });
  const examples = stage === undefined ? group.examples : group.examples.filter((one) => one.stage === stage);
  return (
    <tr>
      <td class="num">
        <Count value={stage === undefined ? group.count : (group.stages[stage] ?? 0)} />
      </td>
      <th scope="row">
        <a class="mono" href={events({})}>
          {group.error_code ?? 'no code'}
        </a>
      </th>
      <td class="num">
        <Count
          value={stage === undefined || isOnlyIn(group, stage) ? group.items : null}
          missing="counted over all stages together"
        />
      </td>
      <td>{whereOf(group, stage)}</td>
      <td class="examples">
        {(examples.length === 0 ? group.examples : examples).map((event) => (
          <span key={event.span_id + event.seq}>
            <a href={events({ item: event.company_id === null ? null : String(event.company_id) })}>
              {itemName(event)}
            </a>
            <ErrorText extra={event.extra} />
          </span>
        ))}
      </td>
      <td class="num">
        <time dateTime={group.last_at} title={formatTimeExact(group.last_at)}>
          {formatClock(group.last_at).slice(0, 8)}
        </time>
      </td>
    </tr>
  );
}

/** What is counted over the whole group is this stage's alone. */
function isOnlyIn(group: ErrorGroup, stage: string): boolean {
  return Object.keys(group.stages).every((name) => name === stage);
}

/** crawl 12, score 39 (openai 25) */
function whereOf(group: ErrorGroup, stage: string | undefined): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort((a, b) => b[1] - a[1])
      .map(([name, count]) => `${name === '_run' || name === '' ? 'the run itself' : name} ${formatCount(count)}`)
      .join(', ');
  const vendors = list(group.vendors);
  const kinds = list(group.kinds).replaceAll('_', ' ');
  if (stage !== undefined && !isOnlyIn(group, stage)) {
    const others = Object.fromEntries(Object.entries(group.stages).filter(([name]) => name !== stage));
    return `also in ${list(others)}`;
  }
  if (stage !== undefined) return vendors === '' ? kinds : `${kinds}; ${vendors}`;
  return vendors === '' ? list(group.stages) : `${list(group.stages)} (${vendors})`;
}

const MESSAGE_KEYS = ['error_message', 'message', 'exception.message', 'status_message', 'exception_message'];

/** What the pipeline said about it, where it did. */
function ErrorText({ extra }: { extra: Record<string, unknown> | null }) {
  const text = MESSAGE_KEYS.map((key) => extra?.[key]).find((value) => typeof value === 'string');
  if (typeof text !== 'string' || text === '') return null;
  return (
    <span class="faint" title={text}>
      {' '}
      {text.length > 80 ? `${text.slice(0, 80)}…` : text}
    </span>
  );
}
