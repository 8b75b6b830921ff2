/** What the time shown came to, against the service levels. */

import type { Trends } from '../../receiver/serve/shape_trends.ts';
import { formatCount, formatDuration, formatMoney, formatPercent, plural } from '../format.ts';
import { addMoney } from '../run/money.ts';

/** The limits that rule SL-14 begins with. */
const SUCCESS_MIN = 0.98;
const QA_MIN = 0.8;

export function Levels({ trends }: { trends: Trends }) {
  const { points } = trends;
  const sum = (value: (point: Trends['points'][number]) => number | null) =>
    points.reduce((total, point) => total + (value(point) ?? 0), 0);
  const succeeded = sum((point) => point.succeeded);
  const ended = succeeded + sum((point) => point.failed) + sum((point) => point.abandoned);
  const durations = points.flatMap(({ duration_ms }) => duration_ms ?? []).sort((a, b) => a - b);
  const p95 = durations[Math.ceil(durations.length * 0.95) - 1] ?? null;
  const crawl = trends.stages.find(({ stage }) => stage === 'crawl');
  const total = (values: number[] | undefined) => (values ?? []).reduce((a, b) => a + b, 0);
  const crawled = total(crawl?.units);
  const found = sum((point) => point.emails_found);
  const reviewed = sum((point) => point.qa_reviewed);
  const cost = addMoney(points.map(({ cost_usd }) => cost_usd));
  const isComplete = points.every(({ cost_complete }) => cost_complete);
  const rate = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  return (
    <dl class="facts levels">
      <Level
        name="Runs succeeded"
        value={rate(succeeded, ended)}
        min={SUCCESS_MIN}
        under={`${succeeded} of ${plural(ended, 'run')}, level 98 %`}
      />
      <Level
        name="Crawl success"
        value={rate(crawled - total(crawl?.unit_errors), crawled)}
        min={null}
        under={`of ${plural(crawled, 'site')}`}
      />
      <Level
        name="E-mails verified"
        value={rate(
          sum((point) => point.emails_verified),
          found,
        )}
        min={null}
        under={`of ${formatCount(found)} found`}
      />
      <Level
        name="QA pass rate"
        value={rate(
          sum((point) => point.qa_passed),
          reviewed,
        )}
        min={QA_MIN}
        under={reviewed === 0 ? 'nothing reviewed yet' : `of ${formatCount(reviewed)} reviewed`}
      />
      <div>
        <dt>{trends.by === 'run' ? 'Run duration, p95' : 'Daily median, p95'}</dt>
        <dd>
          {formatDuration(p95)}
          <span class="under faint">over {plural(durations.length, trends.by === 'run' ? 'run' : 'day')}</span>
        </dd>
      </div>
      <div>
        <dt>Cost</dt>
        <dd title={`$${cost}`}>
          {!isComplete && <span class="faint">at least </span>}
          {formatMoney(cost)}
          <span class="under faint">{isComplete ? 'every call priced' : 'some calls have no price'}</span>
        </dd>
      </div>
    </dl>
  );
}

interface LevelProps {
  name: string;
  value: number | null;
  /** Below it the level is missed. */
  min: number | null;
  under: string;
}

function Level({ name, value, min, under }: LevelProps) {
  const tone = value === null || min === null ? undefined : value < min ? 'bad' : 'good';
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class={tone}>
          {formatPercent(value)}
          {tone === 'bad' && <span class="unseen"> (missed)</span>}
        </span>
        <span class="under faint">{under}</span>
      </dd>
    </div>
  );
}
