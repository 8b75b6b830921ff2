/** Times, shares, money and numbers as messages write them: in English, UTC, without a locale of the machine. */

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const DECIMAL = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const MINUTE_MS = 60_000;

/** 2026-11-22 02:40 UTC */
export function formatMoment(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** As formatMoment, of a time in ISO 8601; text that is none stays as it is. */
export function formatInstant(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : formatMoment(time);
}

/** The two largest units: 2 d 3 h, 5 h 10 min, 12 min, 8 s, 350 ms. */
export function formatDuration(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < 1000) return `${rounded} ms`;
  if (rounded < 10_000) return `${DECIMAL.format(rounded / 1000)} s`;
  if (rounded < MINUTE_MS) return `${Math.round(rounded / 1000)} s`;
  if (rounded < 10 * MINUTE_MS)
    return joined([Math.floor(rounded / MINUTE_MS), 'min'], [Math.floor((rounded / 1000) % 60), 's']);
  const minutes = Math.floor(rounded / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joined([hours, 'h'], [minutes % 60, 'min']);
  return joined([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
}

function joined(...parts: [number, string][]): string {
  return parts
    .filter(([count], index) => count > 0 || index === 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** 0.42 as 42 %, 0.004 as 0.4 %; a share that is neither 0 nor all is never shown as such. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (Math.abs(percent) < 0.1) return 'under 0.1 %';
  if (percent > 99.9 && percent < 100) return '99.9 %';
  return `${Number(percent.toFixed(1))} %`;
}

/** $12.40, or $0.0042 where cents would say nothing. */
export function formatUsd(value: number): string {
  if (value === 0 || Math.abs(value) >= 0.01)
    return `$${value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  return `$${Number(value.toPrecision(2))}`;
}

export function formatCount(value: number): string {
  return Number.isInteger(value) ? COUNT.format(value) : DECIMAL.format(value);
}

/** 1 item, 2 items */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
