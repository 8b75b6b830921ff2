/** Spans of time as people type them: 90s, 15m, 4h, 2d. */

import { CliError, EXIT } from './exit.ts';

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_MS = 3_650 * 86_400_000;

/** @returns milliseconds, above 0 @throws CliError */
export function parsePeriod(text: string, what: string): number {
  const match = /^(\d{1,7}) ?([smhd])$/.exec(text.trim());
  const ms = match === null ? Number.NaN : Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN);
  if (ms > 0 && ms <= MOST_MS) return ms;
  throw new CliError(EXIT.usage, `${what} must be a time such as 90s, 15m, 4h or 2d, not "${text.slice(0, 40)}"`);
}
