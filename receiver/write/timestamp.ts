/** Microseconds since the epoch as PostgreSQL reads them. */

let lastSecond = -1;
let lastSecondText = '';

/** 2026-11-23T10:20:30.123456Z. Rows come in time order, so the second's text is worth keeping. */
export function timestampText(us: number): string {
  const second = Math.floor(us / 1_000_000);
  if (second !== lastSecond) {
    lastSecondText = new Date(second * 1000).toISOString().slice(0, 19);
    lastSecond = second;
  }
  return `${lastSecondText}.${String(us - second * 1_000_000).padStart(6, '0')}Z`;
}

const DAY_US = 86_400_000_000;

/** The UTC day as YYYY-MM-DD. */
export function dayText(us: number): string {
  return new Date(Math.floor(us / DAY_US) * (DAY_US / 1000)).toISOString().slice(0, 10);
}

/** The UTC days of these instants, each once: a group's rows lie on one or two. */
export function daysOf(rows: Iterable<{ tsUs: number }>): string[] {
  const days = new Set<number>();
  for (const { tsUs } of rows) days.add(Math.floor(tsUs / DAY_US));
  return [...days].map((day) => dayText(day * DAY_US));
}
