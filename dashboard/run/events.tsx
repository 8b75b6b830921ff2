/** The events of a run: filters in the address, pages by key, so that a hundred thousand of them are as quick as ten. */

import { useEffect, useState } from 'preact/hooks';
import type { RunDetail, RunStats } from '../../receiver/serve/shape.ts';
import type { EventLine, EventPage } from '../../receiver/serve/shape_events.ts';
import { ApiError, readJson, useApi } from '../api.ts';
import { plural } from '../format.ts';
import { Empty, Show, Trouble } from '../parts/states.tsx';
import { hrefOf } from '../router.ts';
import { Choice, Typed } from '../runs/run_filters.tsx';
import { EventRow } from './event_row.tsx';
import { type RunPlace, runPath } from './run_api.ts';

interface EventsProps {
  at: RunPlace;
  run: RunDetail;
  query: URLSearchParams;
}

const PAGE_EVENTS = 200;
/** More lines than that make the browser slow; then the next page takes the place of those before. */
const SHOWN_MAX = 1_000;
const FILTERS = ['stage', 'kind', 'status', 'vendor', 'error_code', 'item', 'sort'] as const;
const KINDS = ['run', 'stage', 'item', 'vendor_call', 'event', 'log'];
const STATUSES = ['ok', 'error', 'skip', 'retry'];
const HEADS = ['Time', 'Status', 'Stage', 'Kind', 'Event', 'Item', 'Vendor', 'Error', 'Took', 'Cost'];
const AT_THE_END = 2;

export function Events({ at, run, query }: EventsProps) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)]));
  const path = runPath(at, 'events', { ...filters, limit: PAGE_EVENTS });
  const stats = useApi<RunStats>(runPath(at, 'stats'));
  const loaded = useApi<EventPage>(path, { everyMs: run.status === 'running' ? 3_000 : 0 });
  const names = (values: string[]): [string, string][] => values.map((value) => [value, value.replaceAll('_', ' ')]);
  return (
    <section aria-label="Events" class="events">
      <search class="filters">
        <Choice
          name="stage"
          label="Stage"
          query={query}
          choices={names(stats.data?.stage_stats.map(({ stage }) => stage) ?? [])}
        />
        <Choice name="status" label="Status" query={query} choices={names(STATUSES)} />
        <Choice name="kind" label="Kind" query={query} choices={names(KINDS)} />
        <Choice
          name="vendor"
          label="Vendor"
          query={query}
          choices={names(stats.data?.vendor_usage.map(({ vendor }) => vendor) ?? [])}
        />
        <Typed name="error_code" label="Error code" query={query} isFirst />
        <Typed name="item" label="Item number" query={query} />
        <Choice
          name="sort"
          label="Order"
          query={query}
          all="oldest first"
          choices={[
            ['-ts', 'newest first'],
            ['slowest', 'slowest first'],
          ]}
        />
        {FILTERS.some((name) => query.has(name)) && (
          <a class="field-link" href={hrefOf(['runs', at.tenant, at.run], { view: 'events' })}>
            All events
          </a>
        )}
      </search>
      <Show of={loaded} name="events" lines={14}>
        {(page) => <EventTable key={path} path={path} first={page} />}
      </Show>
    </section>
  );
}

function EventTable({ path, first }: { path: string; first: EventPage }) {
  const [later, setLater] = useState<{ events: EventLine[]; cursor: string | null; dropped: number } | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => setLater(null), [path]);

  const events = later?.events ?? first.events;
  const cursor = later === null ? first.next_cursor : later.cursor;
  const dropped = later?.dropped ?? 0;
  const more = async () => {
    if (cursor === null) return;
    setBusy(true);
    setError(null);
    try {
      const page = await readJson<EventPage>(`${path}&cursor=${encodeURIComponent(cursor)}`);
      const all = [...events, ...page.events];
      const excess = Math.max(0, all.length - SHOWN_MAX);
      setLater({ events: all.slice(excess), cursor: page.next_cursor, dropped: dropped + excess });
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, 'The answer could not be read.'));
    }
    setBusy(false);
  };

  if (events.length === 0) {
    return (
      <Empty title="No event fits">
        <p>
          An error code and an item number must be given in full. Events are kept as long as the ledger is told to keep
          them; counters stay.
        </p>
      </Empty>
    );
  }
  return (
    <>
      {dropped > 0 && (
        <p class="faint">
          {plural(dropped, 'earlier event')} left out of sight;{' '}
          <button type="button" class="plain" onClick={() => setLater(null)}>
            back to the first
          </button>
        </p>
      )}
      <div class="scroll">
        <table class="event-table">
          <thead>
            <tr>
              {HEADS.map((name, index) => (
                <th key={name} scope="col" class={index >= HEADS.length - AT_THE_END ? 'num' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {events.map((event) => (
              <EventRow
                key={`${event.ts} ${event.span_id} ${event.seq}`}
                event={event}
                traceUrl={first.trace_url}
                columns={HEADS.length}
              />
            ))}
          </tbody>
        </table>
      </div>
      {error !== null && <Trouble error={error} retry={() => void more()} name="more events" />}
      <p class="more-line faint">
        {plural(events.length, 'event')} shown{cursor === null ? ', that is all.' : '.'}
        {cursor !== null && (
          <button type="button" onClick={() => void more()} disabled={isBusy}>
            {isBusy ? 'Reading' : `Next ${PAGE_EVENTS}`}
          </button>
        )}
      </p>
    </>
  );
}
