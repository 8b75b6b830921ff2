/** Single values: the short form in sight, the exact one on hover. */

import {
  formatAgo,
  formatCount,
  formatDuration,
  formatExact,
  formatMoney,
  formatTime,
  formatTimeExact,
} from '../format.ts';

export function Count({ value, missing = 'not stated' }: { value: number | null | undefined; missing?: string }) {
  if (value == null) return <Missing why={missing} />;
  return <span title={formatExact(value)}>{formatCount(value)}</span>;
}

export function Duration({ ms, missing = 'not known' }: { ms: number | null | undefined; missing?: string }) {
  if (ms == null) return <Missing why={missing} />;
  return <span title={`${formatExact(ms)} ms`}>{formatDuration(ms)}</span>;
}

/** @param complete false: some usage had no known price; null: no longer known whether */
export function Money({ usd, complete = true }: { usd: string | null | undefined; complete?: boolean | null }) {
  if (usd == null) return <Missing why="no price is known" />;
  if (complete !== false) return <span title={`$${usd}`}>{formatMoney(usd)}</span>;
  const title = `At least $${usd}: some usage had no known price`;
  if (Number(usd) === 0) {
    return (
      <span class="faint" title={title}>
        unpriced
      </span>
    );
  }
  return (
    <span title={title}>
      <span class="faint">at least </span>
      {formatMoney(usd)}
    </span>
  );
}

export function Time({ at, missing = 'not known' }: { at: string | null | undefined; missing?: string }) {
  if (at == null) return <Missing why={missing} />;
  return (
    <time dateTime={at} title={formatTimeExact(at)}>
      {formatTime(at)}
    </time>
  );
}

export function Ago({ at, missing = 'never' }: { at: string | null | undefined; missing?: string }) {
  if (at == null) return <Missing why={missing} />;
  return (
    <time dateTime={at} title={formatTimeExact(at)}>
      {formatAgo(at)}
    </time>
  );
}

/** A dash, and why there is no number. */
export function Missing({ why }: { why: string }) {
  return (
    <span class="faint" title={why}>
      <span aria-hidden="true">–</span>
      <span class="unseen">{why}</span>
    </span>
  );
}

/** 0 stays out of the way where only other numbers matter. */
export function Trouble({ value }: { value: number }) {
  if (value === 0) return <span class="faint">0</span>;
  return (
    <span class="bad" title={formatExact(value)}>
      {formatCount(value)}
    </span>
  );
}
