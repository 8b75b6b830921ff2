/** Every run, newest first: filters in the address, the first page live, older ones on request, and the whole list under j, k and Enter. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ListedRun, RunPage } from '../../receiver/serve/shape.ts';
import { ApiError, apiPath, readJson, useApi } from '../api.ts';
import { useKeys } from '../keys.ts';
import type { SignedInState } from '../page.ts';
import { Empty, Show, Trouble } from '../parts/states.tsx';
import { hrefOf, navigate, setQuery } from '../router.ts';
import { RunFilters } from './run_filters.tsx';
import { RunRow } from './run_row.tsx';

const EVERY_MS = 4_000;
const PAGE_RUNS = 50;

interface RunListProps {
  query: URLSearchParams;
  session: SignedInState;
}

export function RunList({ query, session }: RunListProps) {
  const path = apiPath('/runs', {
    tenant: query.get('tenant'),
    pipeline: query.get('pipeline'),
    status: query.get('status'),
    q: query.get('q'),
    has_alerts: query.get('alerts') === 'yes' ? 'true' : null,
    from: daysAgo(query.get('days')),
    limit: PAGE_RUNS,
  });
  const loaded = useApi<RunPage>(path, { everyMs: EVERY_MS });
  const older = useOlder(path, loaded.data);
  const isFiltered = ['tenant', 'pipeline', 'status', 'q', 'alerts', 'days'].some((name) => query.has(name));

  return (
    <section aria-labelledby="all-runs" class="run-list">
      <div class="section-head">
        <h2 id="all-runs">Runs</h2>
        <RunFilters query={query} session={session} />
      </div>
      <Show of={loaded} name="runs" lines={12}>
        {(page) => (
          <Rows
            runs={merge(page.runs, older.runs)}
            showsTenant={session.kind === 'admin'}
            isFiltered={isFiltered}
            selected={query.get('at')}
          />
        )}
      </Show>
      {older.error !== null && <Trouble error={older.error} retry={older.more} name="older runs" />}
      {older.hasMore && (
        <button type="button" class="more" onClick={older.more} disabled={older.isBusy}>
          {older.isBusy ? 'Reading' : 'Older runs'}
        </button>
      )}
    </section>
  );
}

interface RowsProps {
  runs: ListedRun[];
  showsTenant: boolean;
  isFiltered: boolean;
  /** Which run the keyboard is at: "tenant-run". */
  selected: string | null;
}

function Rows({ runs, showsTenant, isFiltered, selected }: RowsProps) {
  const table = useRef<HTMLTableElement>(null);
  const at = runs.findIndex((run) => keyOf(run) === selected);
  const goTo = (index: number) => {
    const run = runs[Math.max(0, Math.min(runs.length - 1, index))];
    if (run !== undefined) setQuery({ at: keyOf(run) });
  };
  useKeys({
    j: () => goTo(at + 1),
    k: () => goTo(at === -1 ? 0 : at - 1),
    Enter: () => {
      const run = runs[at];
      if (run !== undefined) navigate(hrefOf(['runs', run.tenant_id, run.run_id]));
    },
  });
  useEffect(() => {
    if (selected !== null) table.current?.querySelector('tr.at')?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  if (runs.length === 0) return <NoRuns isFiltered={isFiltered} />;
  return (
    <div class="scroll">
      <table ref={table} class="runs">
        <thead>
          <tr>
            <th scope="col" class="tight">
              Status
            </th>
            <th scope="col" class="tight">
              Pipeline
            </th>
            <th scope="col" class="run-key">
              Run
            </th>
            <th scope="col" class="num">
              Started
            </th>
            <th scope="col" class="tight">
              Took, against usual
            </th>
            <th scope="col" class="num">
              Items
            </th>
            <th scope="col" class="num">
              Errors
            </th>
            <th scope="col" class="num">
              Cost
            </th>
            <th scope="col" class="num">
              Alerts
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunRow key={keyOf(run)} run={run} showsTenant={showsTenant} isAt={keyOf(run) === selected} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function NoRuns({ isFiltered }: { isFiltered: boolean }) {
  if (!isFiltered) {
    return (
      <Empty title="No runs yet">
        <p>The first span of a run makes it appear here within a second.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No run fits these filters">
      <p>
        <a href={hrefOf(['runs'])}>Take all filters away</a>
      </p>
    </Empty>
  );
}

const keyOf = (run: ListedRun) => `${run.tenant_id}-${run.run_id}`;

/** The live page first; a run that slipped from it to an older page shows once. */
function merge(newest: ListedRun[], older: ListedRun[]): ListedRun[] {
  const shown = new Set(newest.map(keyOf));
  return [...newest, ...older.filter((run) => !shown.has(keyOf(run)))];
}

interface Older {
  runs: ListedRun[];
  hasMore: boolean;
  isBusy: boolean;
  error: ApiError | null;
  more: () => void;
}

/** Pages after the first, read on request and kept as they were; another filter begins anew. */
function useOlder(path: string, first: RunPage | null): Older {
  const [state, setState] = useState<{ path: string; runs: ListedRun[]; cursor: string | null }>({
    path,
    runs: [],
    cursor: null,
  });
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const mine = state.path === path ? state : { path, runs: [], cursor: null };
  const hasRead = mine.runs.length > 0;
  const cursor = hasRead ? mine.cursor : (first?.next_cursor ?? null);

  const more = async () => {
    if (cursor === null) return;
    setBusy(true);
    setError(null);
    try {
      const page = await readJson<RunPage>(`${path}&cursor=${encodeURIComponent(cursor)}`);
      setState({ path, runs: [...mine.runs, ...page.runs], cursor: page.next_cursor });
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(0, 'The answer could not be read.'));
    }
    setBusy(false);
  };
  return { runs: mine.runs, hasMore: cursor !== null, isBusy, error, more: () => void more() };
}

/** Start of the local day, so that the address stays true when the page is open overnight. */
function daysAgo(days: string | null): string | null {
  const count = Number(days);
  if (!Number.isInteger(count) || count < 1) return null;
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - count + 1);
  return day.toISOString();
}
