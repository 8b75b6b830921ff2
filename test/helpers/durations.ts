/** Random durations of known shapes, and quantiles of them by sorting: what the percentiles of the product are held against. No SQL, no buckets. */
import type { Random } from './random_spans.ts';

/** The largest that the ledger stores: milliseconds in 32 bits. */
const DURATION_MAX_MS = 2 ** 31 - 1;

/** Whole milliseconds, as spans of real pipelines have them. */
export const DISTRIBUTIONS: Readonly<Record<string, (random: Random) => number>> = {
  uniform: (random) => whole(random.next() * 60_000),
  exponential: (random) => whole(-800 * Math.log(1 - random.next())),
  'log-normal': (random) => whole(250 * Math.exp(1.5 * normal(random))),
  bimodal: (random) => whole(random.chance(0.85) ? 120 + 25 * normal(random) : 9_000 + 1_500 * normal(random)),
  // Exponent 1.1: the variance is infinite, and the largest of a million is some 280,000 times the median.
  'Pareto, heavy tail': (random) => whole(20 / (1 - random.next()) ** (1 / 1.1)),
};

function whole(ms: number): number {
  return Math.min(DURATION_MAX_MS, Math.max(0, Math.floor(ms)));
}

/** Box and Muller's. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

export function sorted(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/**
 * The percentile between its two neighbours, rounded half up, in whole numbers throughout: a hundredth of a rank is a whole number of
 * hundredths of a millisecond.
 * @param percent whole number from 0 to 100. @param values ascending whole numbers, at least one
 */
export function roundedPercentile(values: Float64Array, percent: number): number {
  const rankHundredths = (values.length - 1) * percent;
  const low = at(values, Math.floor(rankHundredths / 100));
  const high = at(values, Math.ceil(rankHundredths / 100));
  const hundredthsMs = low * 100 + (rankHundredths % 100) * (high - low);
  return Math.floor((hundredthsMs + 50) / 100);
}

/** The quantile between its two neighbours, unrounded. @param fraction 0 to 1. @param values ascending, at least one */
export function quantile(values: Float64Array, fraction: number): number {
  const rank = fraction * (values.length - 1);
  const low = at(values, Math.floor(rank));
  return low + (rank - Math.floor(rank)) * (at(values, Math.ceil(rank)) - low);
}

function at(values: Float64Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error(`no value ${index} of ${values.length}`);
  return value;
}
