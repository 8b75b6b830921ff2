/** The trends as small charts over one time axis. Loaded when they are first looked at, because the drawing library is the heaviest part of the dashboard. */

import { useMemo } from 'preact/hooks';
import type { Trends } from '../../receiver/serve/shape_trends.ts';
import { formatCount, formatDuration, formatMoney, formatPercent, spaced } from '../format.ts';
import { hrefOf, navigate } from '../router.ts';
import { Chart, type Line, SERIES_COLORS } from './chart.tsx';

const SUCCESS_MIN = 0.98;
const QA_MIN = 0.8;
const BY_RUN_ONLY = 'Percentiles of several runs have no percentile of their own here: let a point be a run.';

type Point = Trends['points'][number];

const share = (part: number | null, whole: number | null) =>
  part === null || whole === null || whole === 0 ? null : part / whole;
const showMoney = (value: number | null) => formatMoney(value);
const successLimit = { value: SUCCESS_MIN, name: 'service level 98 %' };
const qaLimit = { value: QA_MIN, name: 'alert below 80 %' };

export default function Charts({ trends }: { trends: Trends }) {
  const { points } = trends;
  const drawn = useMemo(() => {
    const of = (name: string, value: (point: Point) => number | null): Line => ({ name, values: points.map(value) });
    return {
      at: points.map(({ at }) => Date.parse(at) / 1000),
      duration: [of('duration', (point) => point.duration_ms)],
      p95: trends.stages.map(({ stage, p95_ms }) => ({ name: stage, values: p95_ms })),
      success: [of('runs succeeded', (point) => point.success_rate)],
      errors: [of('all stages', (point) => point.error_rate)],
      cost: costLines(trends),
      delivered: [
        of('selected', (point) => point.candidates_selected),
        of('delivered', (point) => point.items_delivered),
      ],
      quality: [
        of('QA passed', (point) => share(point.qa_passed, point.qa_reviewed)),
        of('e-mails verified', (point) => share(point.emails_verified, point.emails_found)),
      ],
      buckets: (['bucket_high', 'bucket_medium', 'bucket_low'] as const).map((name) =>
        of(spaced(name), (point) => point[name]),
      ),
    };
  }, [trends, points]);
  const open = (index: number) => {
    const run = points[index]?.run;
    if (run != null) navigate(hrefOf(['runs', run.tenant_id, run.run_id]));
  };
  const onPoint = trends.by === 'run' ? { onPoint: open } : {};
  const { at } = drawn;
  return (
    <div class="charts">
      <Chart
        title={trends.by === 'run' ? 'Run duration' : 'Run duration, median of the day'}
        at={at}
        lines={drawn.duration}
        show={formatDuration}
        {...onPoint}
      />
      <Chart
        title="Stage p95"
        at={at}
        lines={drawn.p95}
        show={formatDuration}
        none={trends.by === 'day' ? BY_RUN_ONLY : 'Nothing in this time.'}
        {...onPoint}
      />
      <Chart title="Cost by vendor" at={at} lines={drawn.cost} show={showMoney} isStacked {...onPoint} />
      <Chart title="Error rate, of all units" at={at} lines={drawn.errors} show={formatPercent} {...onPoint} />
      <Chart
        title="Runs succeeded"
        at={at}
        lines={drawn.success}
        show={formatPercent}
        limit={successLimit}
        {...onPoint}
      />
      <Chart
        title="Candidates selected and items delivered"
        at={at}
        lines={drawn.delivered}
        show={formatCount}
        {...onPoint}
      />
      <Chart title="Quality" at={at} lines={drawn.quality} show={formatPercent} limit={qaLimit} {...onPoint} />
      <Chart title="Buckets" at={at} lines={drawn.buckets} show={formatCount} isStacked {...onPoint} />
    </div>
  );
}

/** The dearest each on its own, the rest together. */
function costLines({ vendors }: Trends): Line[] {
  const lines = vendors
    .map(({ vendor, cost_usd }) => ({ name: vendor, values: cost_usd.map(Number) }))
    .map((line) => ({ ...line, total: line.values.reduce((sum, value) => sum + value, 0) }))
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total);
  const [own, rest] = [lines.slice(0, SERIES_COLORS - 1), lines.slice(SERIES_COLORS - 1)];
  if (rest.length === 0) return own;
  const values = (rest[0]?.values ?? []).map((_, index) =>
    rest.reduce((sum, line) => sum + (line.values[index] ?? 0), 0),
  );
  return [...own, { name: `${rest.length} others`, values }];
}
