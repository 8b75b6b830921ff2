/** Small drawings about a run: its duration against what is usual, and the last runs in a row. */

import type { PipelinePage } from '../../receiver/serve/shape.ts';
import { formatChange, formatDuration, formatTime } from '../format.ts';
import { hrefOf } from '../router.ts';
import { lookOf } from './status.tsx';
import { Duration } from './values.tsx';

interface UsualProps {
  ms: number | null;
  usualMs: number | null;
  usualRuns: number;
}

/** A thin bar with a mark at the usual duration; the bar grows past the mark when a run took longer. */
export function UsualDuration({ ms, usualMs, usualRuns }: UsualProps) {
  const change = formatChange(ms, usualMs);
  const title =
    usualMs === null
      ? 'No earlier good run to compare with'
      : `Usually ${formatDuration(usualMs)}: the median of ${usualRuns === 1 ? 'one earlier run' : `the last ${usualRuns} good runs`}`;
  const slow = ms !== null && usualMs !== null && ms > usualMs * 1.5;
  return (
    <span class="usual" title={title}>
      <span class="usual-value">
        <Duration ms={ms} missing="it has not ended" />
      </span>
      {usualMs !== null && ms !== null && (
        <>
          <svg class={slow ? 'usual-bar warn' : 'usual-bar'} viewBox="0 0 60 10" aria-hidden="true">
            <path class="usual-track" d="M0 5h60" />
            <rect class="usual-fill" x="0" y="3" height="4" width={Math.min(60, (30 * ms) / Math.max(usualMs, 1))} />
            <path class="usual-mark" d="M30 0v10" />
          </svg>
          <span class={slow ? 'usual-change warn' : 'usual-change faint'}>
            {change}
            <span class="unseen"> of the usual duration</span>
          </span>
        </>
      )}
    </span>
  );
}

type Recent = PipelinePage['pipelines'][number]['recent'];

/** One bar a run, the newest on the right: height is duration, colour and shape are status. */
export function Strip({ runs, tenantId }: { runs: Recent; tenantId: number }) {
  const longest = Math.max(1, ...runs.map((run) => run.duration_ms ?? 0));
  return (
    <span class="strip">
      {runs.map((run) => {
        const look = lookOf(run.status, run.degraded);
        const height = Math.max(3, Math.round((20 * (run.duration_ms ?? longest)) / longest));
        const words = `${formatTime(run.started_at)}: ${look.word}${run.excluded ? ', left out of baselines' : ''}, ${formatDuration(run.duration_ms)}`;
        return (
          <a
            key={run.run_id}
            class={`strip-run ${look.tone} ${look.shape}`}
            href={hrefOf(['runs', tenantId, run.run_id])}
            title={words}
            tabIndex={-1}
          >
            <svg viewBox="0 0 8 24" aria-hidden="true">
              <rect x="1" y={24 - height} width="6" height={height} />
              {look.tone === 'bad' && <path d={`M1.5 ${Math.max(1, 19 - height)}l5 4m0-4l-5 4`} />}
            </svg>
            <span class="unseen">{words}</span>
          </a>
        );
      })}
    </span>
  );
}
