/** Unsigned 64-bit nanoseconds to whole microseconds and a rest, in doubles: BigInt would cost more than the rest of a span's fields. */

/** 2^32 = 4,294,967 x 1000 + 296. */
const MICROS_PER_HIGH = 4_294_967;
const NANOS_PER_HIGH = 296;

/** Microseconds of `high * 2^32 + low` nanoseconds, floored; Infinity when that is no safe integer. */
export function microsOf(high: number, low: number): number {
  const micros = high * MICROS_PER_HIGH + Math.floor((high * NANOS_PER_HIGH + low) / 1000);
  return micros <= Number.MAX_SAFE_INTEGER ? micros : Number.POSITIVE_INFINITY;
}

/** The nanoseconds within that microsecond, 0..999; 0 when the microseconds are Infinity. */
export function nanosOf(high: number, low: number): number {
  if (microsOf(high, low) === Number.POSITIVE_INFINITY) return 0;
  const rest = high * NANOS_PER_HIGH + low;
  return rest - Math.floor(rest / 1000) * 1000;
}
