/** Bars of the last hour, one a minute. */

import { formatClock, formatCount, plural } from '../format.ts';

const MINUTES = 60;

export function Rate({ minutes }: { minutes: { at: string; rows: number }[] }) {
  const most = Math.max(1, ...minutes.map(({ rows }) => rows));
  const total = minutes.reduce((sum, { rows }) => sum + rows, 0);
  const shown = minutes.slice(-MINUTES);
  return (
    <figure class="rate">
      <svg
        viewBox="0 0 600 60"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${plural(total, 'row')} in the last hour, at most ${formatCount(most)} a minute`}
      >
        <path class="floor" d="M0 59.5h600" />
        {shown.map(({ at, rows }, index) => {
          const height = rows === 0 ? 0 : Math.max(2, (56 * rows) / most);
          return (
            <rect key={at} x={(MINUTES - shown.length + index) * 10 + 1} y={59 - height} width="8" height={height}>
              <title>{`${formatClock(at).slice(0, 5)}: ${plural(rows, 'row')}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption class="faint">
        <span>an hour ago</span>
        <span>
          {plural(total, 'row')}, at most {formatCount(most)} a minute
        </span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
