/** Numbers as people read them: 3 m 12 s, 1.2 k, $12.48, 99.3 %. A number that is not known is a dash, never 0. */

export const DASH = '–';

/** @param ms milliseconds, not negative */
export function formatDuration(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return DASH;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
  const hours = Math.round(ms / 3_600_000);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const DECIMAL = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });

/** Exact with thousands separated up to 999,999; from a million in three digits: 1.23 M. */
export function formatCount(value: number): string {
  if (Math.abs(value) < 999_999.5) return Number.isInteger(value) ? GROUPED.format(value) : DECIMAL.format(value);
  const units = [
    ['M', 1e6],
    ['G', 1e9],
    ['T', 1e12],
  ] as const;
  const [unit, size] = units.findLast(([, one]) => Math.abs(value) >= one * 0.9995) ?? units[0];
  return `${(value / size).toPrecision(3)} ${unit}`;
}

/**
 * Dollars from decimal text: two decimals from a cent on, below it the first two digits that are not 0.
 * @param complete false: some usage had no price, the sum is "at least"
 */
export function formatUsd(text: string | null, complete: boolean | null = true): string {
  if (text === null) return DASH;
  const value = Number(text);
  const sign = complete === false ? '≥ ' : '';
  if (complete === false && value === 0) return DASH;
  if (value === 0) return '$0';
  if (Math.abs(value) >= 0.00995) {
    const amount = value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    return `${sign}$${amount}`;
  }
  const decimals = Math.min(12, 1 - Math.floor(Math.log10(Math.abs(value))));
  return `${sign}$${value.toFixed(decimals).replace(/0+$/, '')}`;
}

/** 99.3 %; never rounds up to 100 or down to 0 when it is neither. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return DASH;
  const percent = (part / whole) * 100;
  if (percent > 99.9 && percent < 100) return '99.9 %';
  if (percent > 0 && percent < 0.1) return '0.1 %';
  return `${percent >= 100 || percent === 0 ? Math.round(percent) : percent.toFixed(1)} %`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toPrecision(2)} ${units[power]}`;
}

/** 2026-11-23 01:30:05, in UTC as everything in the ledger. */
export function formatTime(iso: string | null): string {
  if (iso === null) return DASH;
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : time.toISOString().slice(0, 19).replace('T', ' ');
}

/** "3 h ago"; "in 2 m" for a clock that is ahead. */
export function formatAgo(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  const size = Math.abs(ms);
  if (size < 45_000) return 'just now';
  const units = [
    ['m', 60_000, 60 * 60_000],
    ['h', 3_600_000, 48 * 3_600_000],
    ['d', 86_400_000, Number.POSITIVE_INFINITY],
  ] as const;
  const [unit, one] = units.find(([, , below]) => size < below) ?? units[2];
  const text = `${Math.max(1, Math.round(size / one))} ${unit}`;
  return ms >= 0 ? `${text} ago` : `in ${text}`;
}
