/** The events of a run: filters and the place in the address, one page at a time by key, so that a hundred thousand of them are as quick as ten. */

import { useEffect, useRef } from 'preact/hooks';
import type { RunDetail, RunStats } from '../../receiver/serve/shape.ts';
import type { EventLine, EventPage } from '../../receiver/serve/shape_events.ts';
import { useApi } from '../api.ts';
import { formatExact } from '../format.ts';
import { useKeys } from '../keys.ts';
import { Empty, Show } from '../parts/states.tsx';
import { hrefOf, setQuery } from '../router.ts';
import { Choice, Typed } from '../runs/run_filters.tsx';
import { EventRow } from './event_row.tsx';
import { type RunPlace, runPath } from './run_api.ts';

interface EventsProps {
  at: RunPlace;
  run: RunDetail;
  query: URLSearchParams;
}

const PAGE_EVENTS = 200;
const FILTERS = ['stage', 'kind', 'status', 'vendor', 'error_code', 'item', 'sort'] as const;
const KINDS = ['run', 'stage', 'item', 'vendor_call', 'event', 'log'];
const STATUSES = ['ok', 'error', 'skip', 'retry'];
const HEADS = ['Time', 'Status', 'Stage', 'Kind', 'Event', 'Item', 'Vendor', 'Error', 'Took', 'Cost'];
const AT_THE_END = 2;

export function Events({ at, run, query }: EventsProps) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)]));
  const list = runPath(at, 'events', { ...filters, limit: PAGE_EVENTS });
  const path = runPath(at, 'events', { ...filters, limit: PAGE_EVENTS, cursor: query.get('after') });
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
        {(page) => <EventTable page={page} list={list} query={query} isStale={loaded.isStale} />}
      </Show>
    </section>
  );
}

interface EventTableProps {
  page: EventPage;
  /** Of the list without its place in it; pages that were left are known by it. */
  list: string;
  query: URLSearchParams;
  isStale: boolean;
}

/** Cursor of a page to the cursor of the page before it, as far as one went forwards since the dashboard was loaded. */
const before = new Map<string, string | null>();

function EventTable({ page, list, query, isStale }: EventTableProps) {
  const table = useRef<HTMLTableElement>(null);
  const { events, next_cursor: next } = page;
  const after = query.get('after');
  const previous = after === null ? undefined : before.get(`${list} ${after}`);
  const number = after === null ? 1 : Math.max(2, Number(query.get('page')) || 2);
  // What is read is not what is shown yet.
  const shown = useRef(number);
  if (!isStale) shown.current = number;
  const selected = query.get('at');
  const at = events.findIndex((event) => keyOf(event) === selected);

  const turnTo = (cursor: string | null, to: number) => {
    setQuery({ after: cursor, page: to > 1 ? String(to) : null, at: null }, {});
    table.current?.closest('section')?.scrollIntoView({ block: 'start' });
  };
  const forwards = () => {
    if (next === null || isStale) return;
    before.set(`${list} ${next}`, after);
    turnTo(next, number + 1);
  };
  const backwards = () => {
    if (after !== null && !isStale) turnTo(previous ?? null, previous === undefined ? 1 : number - 1);
  };
  const goTo = (index: number) => {
    const event = events[Math.max(0, Math.min(events.length - 1, index))];
    if (event !== undefined) setQuery({ at: keyOf(event) });
  };
  useKeys({
    n: forwards,
    p: backwards,
    j: () => goTo(at + 1),
    k: () => goTo(at - 1),
    Enter: () => table.current?.querySelector<HTMLElement>('tr.at button')?.click(),
  });
  useEffect(() => {
    if (selected !== null) table.current?.querySelector('tr.at')?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

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
  const first = (shown.current - 1) * PAGE_EVENTS + 1;
  const turning = (
    <nav class="more-line faint" aria-label="Pages of events">
      <span>
        Events {formatExact(first)} to {formatExact(first + events.length - 1)}
        {next === null && number > 1 ? ', the last' : ''}
        {next === null && number === 1 ? ', that is all' : ''}
      </span>
      {after !== null && (
        <button type="button" onClick={backwards} disabled={isStale}>
          {previous === undefined ? 'To the first' : `Previous ${PAGE_EVENTS}`}
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={forwards} disabled={isStale}>
          Next {PAGE_EVENTS}
        </button>
      )}
    </nav>
  );
  return (
    <>
      {after !== null && turning}
      <div class="scroll">
        <table class="event-table" ref={table}>
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
                key={`${event.ts} ${keyOf(event)}`}
                event={event}
                isAt={keyOf(event) === selected}
                traceUrl={page.trace_url}
                columns={HEADS.length}
              />
            ))}
          </tbody>
        </table>
      </div>
      {turning}
    </>
  );
}

/** For the address; with its time it names a row whatever the sender did. */
const keyOf = ({ span_id, seq }: EventLine) => `${span_id}.${seq}`;
