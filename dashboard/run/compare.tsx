/** Two runs side by side: what differs most comes first. */

import type { ListedRun, RunComparison, RunDetail, RunPage } from '../../receiver/serve/shape.ts';
import { apiPath, useApi } from '../api.ts';
import { formatChange, formatCount, formatDuration, formatMoney, formatTime, spaced } from '../format.ts';
import { Empty, Show } from '../parts/states.tsx';
import { lookOf } from '../parts/status.tsx';
import { hrefOf, setQuery } from '../router.ts';
import { type RunPlace, runPath } from './run_api.ts';

interface CompareProps {
  at: RunPlace;
  run: RunDetail;
  /** null: the run before */
  withRun: string | null;
}

/** One number of both runs. */
interface Line {
  what: string;
  of: string;
  now: number | null;
  before: number | null;
  show: (value: number | null) => string;
  /** Whether more is worse; null: neither. */
  moreIsWorse: boolean | null;
}

export function Compare({ at, run, withRun }: CompareProps) {
  const loaded = useApi<RunComparison>(runPath(at, 'compare', { with: withRun }));
  const others = useApi<RunPage>(apiPath('/runs', { tenant: at.tenant, pipeline: run.pipeline, limit: 50 }));
  const choices = (others.data?.runs ?? []).filter((other) => other.run_id !== run.run_id);
  return (
    <section aria-label="Compare" class="compare">
      <search class="filters">
        <div class="field">
          <label for="compare-with">With</label>
          <select
            id="compare-with"
            value={withRun ?? ''}
            onChange={(event) => setQuery({ with: event.currentTarget.value })}
          >
            <option value="">the run before</option>
            {choices.map((other) => (
              <option key={other.run_id} value={String(other.run_id)}>
                {formatTime(other.started_at)} · {lookOf(other.status, other.degraded).word} ·{' '}
                {other.run_key ?? other.run_id}
              </option>
            ))}
          </select>
        </div>
      </search>
      {loaded.error?.status === 404 && !loaded.error.isMissingRoute && withRun === null ? (
        <Empty title="There is no earlier run to compare with">
          <p>Choose another run above, or come back after the next one.</p>
        </Empty>
      ) : (
        <Show of={loaded} name="the comparison" lines={12}>
          {(comparison) => <Differences comparison={comparison} />}
        </Show>
      )}
    </section>
  );
}

function Differences({ comparison }: { comparison: RunComparison }) {
  const { run, with: other } = comparison;
  const lines = linesOf(comparison)
    .filter(({ now, before }) => now !== before)
    .sort((a, b) => weightOf(b) - weightOf(a));
  return (
    <div class="scroll">
      <table class="differences">
        <thead>
          <tr>
            <th scope="col">Where</th>
            <th scope="col">What</th>
            <th scope="col" class="num">
              <RunName run={run} />
            </th>
            <th scope="col" class="num">
              <RunName run={other} />
            </th>
            <th scope="col" class="num">
              Change
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.length === 0 && (
            <tr>
              <td colSpan={5}>These two runs do not differ in any number.</td>
            </tr>
          )}
          {lines.map((line) => (
            <tr key={`${line.what} ${line.of}`}>
              <th scope="row">{line.of}</th>
              <td class="faint">{line.what}</td>
              <td class="num">{line.show(line.now)}</td>
              <td class="num">{line.show(line.before)}</td>
              <td class={`num ${toneOf(line)}`}>{changeOf(line)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RunName({ run }: { run: ListedRun }) {
  return (
    <a href={hrefOf(['runs', run.tenant_id, run.run_id])} title={run.run_key ?? undefined}>
      {formatTime(run.started_at)}, {lookOf(run.status, run.degraded).word}
    </a>
  );
}

function linesOf({ run, with: other, stages, vendors, metrics }: RunComparison): Line[] {
  const ms = (value: number | null) => formatDuration(value);
  const money = (value: number | null) => formatMoney(value);
  return [
    { what: 'duration', of: 'the run', now: run.duration_ms, before: other.duration_ms, show: ms, moreIsWorse: true },
    {
      what: 'cost',
      of: 'the run',
      now: Number(run.cost_usd),
      before: Number(other.cost_usd),
      show: money,
      moreIsWorse: true,
    },
    {
      what: 'errors',
      of: 'the run',
      now: run.stage_errors,
      before: other.stage_errors,
      show: formatCount,
      moreIsWorse: true,
    },
    ...stages.flatMap(({ stage, run: now, with: before }): Line[] => [
      {
        what: 'duration',
        of: stage,
        now: now?.duration_ms ?? null,
        before: before?.duration_ms ?? null,
        show: ms,
        moreIsWorse: true,
      },
      { what: 'p95', of: stage, now: now?.p95_ms ?? null, before: before?.p95_ms ?? null, show: ms, moreIsWorse: true },
      {
        what: 'good',
        of: stage,
        now: now?.count_success ?? null,
        before: before?.count_success ?? null,
        show: formatCount,
        moreIsWorse: false,
      },
      {
        what: 'errors',
        of: stage,
        now: now?.count_error ?? null,
        before: before?.count_error ?? null,
        show: formatCount,
        moreIsWorse: true,
      },
      {
        what: 'retries',
        of: stage,
        now: now?.retry_count ?? null,
        before: before?.retry_count ?? null,
        show: formatCount,
        moreIsWorse: true,
      },
    ]),
    ...vendors.flatMap(({ vendor, run: now, with: before }): Line[] => [
      {
        what: 'calls',
        of: vendor,
        now: now?.calls ?? null,
        before: before?.calls ?? null,
        show: formatCount,
        moreIsWorse: null,
      },
      {
        what: 'vendor errors',
        of: vendor,
        now: now?.errors ?? null,
        before: before?.errors ?? null,
        show: formatCount,
        moreIsWorse: true,
      },
      {
        what: 'rate limits',
        of: vendor,
        now: now?.rate_limit_hits ?? null,
        before: before?.rate_limit_hits ?? null,
        show: formatCount,
        moreIsWorse: true,
      },
      {
        what: 'vendor cost',
        of: vendor,
        now: now === null ? null : Number(now.cost_usd),
        before: before === null ? null : Number(before.cost_usd),
        show: money,
        moreIsWorse: true,
      },
    ]),
    ...metrics.map(({ name, run: now, with: before }): Line => {
      return { what: 'business number', of: spaced(name), now, before, show: formatCount, moreIsWorse: null };
    }),
  ];
}

/** The larger the share that changed the higher; what appeared or vanished comes first; the run itself before its parts. */
function weightOf({ now, before, of }: Line): number {
  const a = now ?? 0;
  const b = before ?? 0;
  const share = Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), 1e-9);
  return share * 10 + Math.log10(1 + Math.abs(a - b)) / 10 + (of === 'the run' ? 100 : 0);
}

function changeOf({ now, before }: Line): string {
  if (before === null) return 'new';
  if (now === null) return 'gone';
  return formatChange(now, before) ?? 'from 0';
}

function toneOf({ now, before, moreIsWorse }: Line): string {
  if (moreIsWorse === null || now === null || before === null) return '';
  const isMore = now > before;
  return isMore === moreIsWorse ? 'bad' : 'good';
}
