/** Numbers and times for people. A value that is not there is a dash, never 0. */

export const DASH = '–';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1,234 as it is; 12.3 k and 4.5 M from ten thousand on. */
export function formatCount(value: number | null | undefined): string {
  if (value == null) return DASH;
  const size = Math.abs(value);
  if (size < 10_000) return Number.isInteger(value) ? whole.format(value) : trim(value, 2);
  const [unit, by] =
    size < 999_500 ? (['k', 1e3] as const) : size < 999_500_000 ? (['M', 1e6] as const) : (['G', 1e9] as const);
  return `${trim(value / by, size / by < 100 ? 1 : 0)} ${unit}`;
}

/** All digits, grouped. */
export function formatExact(value: number): string {
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 }).format(value);
}

function trim(value: number, digits: number): string {
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: digits }).format(value);
}

/** 354 ms, 5.1 s, 3 m 12 s, 2 h 05 m, 1 d 3 h. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms == null) return DASH;
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds < 10 ? seconds.toFixed(1) : trim(seconds, 1)} s`;
  const total = Math.round(seconds);
  const [minutes, hours, days] = [Math.floor(total / 60), Math.floor(total / 3600), Math.floor(total / 86_400)];
  if (minutes < 60) return `${minutes} m ${pad(total % 60)} s`;
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} m`;
  return `${days} d ${hours % 24} h`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** @param share 0 to 1 */
export function formatPercent(share: number | null | undefined): string {
  if (share == null) return DASH;
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  // Never rounded up to all or down to nothing: one failure in a thousand is not none.
  if (percent > 99.9) return '> 99.9 %';
  if (percent < 0.1) return '< 0.1 %';
  return `${percent.toFixed(1)} %`;
}

/** @param text decimal text in US dollars */
export function formatMoney(text: string | number | null | undefined): string {
  if (text == null) return DASH;
  const value = Number(text);
  if (!Number.isFinite(value)) return DASH;
  if (value === 0) return '$0';
  const size = Math.abs(value);
  const digits = size >= 0.1 ? 2 : size >= 0.001 ? 4 : 6;
  const sign = value < 0 ? '-' : '';
  return `${sign}$${new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(size)}`;
}

/** +12 %, -3 %; how much more than usual. null where there is nothing to compare with. */
export function formatChange(value: number | null, usual: number | null): string | null {
  if (value === null || usual === null || usual === 0) return null;
  const share = value / usual - 1;
  const percent = Math.round(share * 100);
  if (percent === 0) return '±0 %';
  return percent >= 1000 ? `× ${trim(value / usual, 0)}` : `${percent > 0 ? '+' : '−'}${Math.abs(percent)} %`;
}

const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const withYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const exactLocal = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Local day and minute; last year's with its year instead of its minute. */
export function formatTime(text: string | null | undefined, nowMs = Date.now()): string {
  if (text == null) return DASH;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return DASH;
  return time.getFullYear() === new Date(nowMs).getFullYear() ? dayAndTime.format(time) : withYear.format(time);
}

const dayOnly = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** 23 Nov; 14:30 where a day has several marks. */
export function formatDay(ms: number): string {
  const time = new Date(ms);
  const isMidnight = time.getHours() === 0 && time.getMinutes() === 0;
  return isMidnight ? dayOnly.format(time) : clock.format(time).slice(0, 5);
}

/** For hovering: local with its zone, and UTC. */
export function formatTimeExact(text: string | null | undefined): string {
  if (text == null) return 'not known';
  const time = new Date(text);
  return Number.isNaN(time.getTime())
    ? text
    : `${exactLocal.format(time)}\n${time.toISOString().replace('T', ' ').replace('.000', '')} (UTC)`;
}

/** Hours, minutes, seconds and milliseconds, local. */
export function formatClock(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime())
    ? text
    : `${clock.format(time)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** 5 s ago, 3 h ago, in 2 h. */
export function formatAgo(text: string | null | undefined, nowMs = Date.now()): string {
  if (text == null) return DASH;
  const awayMs = nowMs - Date.parse(text);
  if (Number.isNaN(awayMs)) return DASH;
  const size = Math.abs(awayMs);
  const amount =
    size < 60_000
      ? `${Math.floor(size / 1000)} s`
      : size < 3_600_000
        ? `${Math.floor(size / 60_000)} min`
        : size < 172_800_000
          ? `${Math.floor(size / 3_600_000)} h`
          : `${Math.floor(size / 86_400_000)} d`;
  return awayMs >= 0 ? `${amount} ago` : `in ${amount}`;
}

/** one run, 2 runs */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** mv_refresh -> mv refresh; for reading, not for asking. */
export function spaced(name: string): string {
  return name.replaceAll('_', ' ');
}
