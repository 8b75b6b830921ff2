/** Chance that repeats: a number drawn from a text, so that the same night of the same demo goes the same way. */

import { createHash } from 'node:crypto';

/** @returns a number in [0, 1) that depends on `seed` alone */
export function draw(seed: string): number {
  return createHash('sha256').update(seed).digest().readUIntBE(0, 6) / 2 ** 48;
}

export function pick<T>(choices: readonly [T, ...T[]] | readonly T[], seed: string): T {
  return choices[Math.floor(draw(seed) * choices.length)] as T;
}

/** @returns milliseconds from `low` up; most near `low`, few near `high`, as answers of real services are */
export function drawLatencyMs(low: number, high: number, seed: string): number {
  return low + (high - low) * draw(seed) ** 3;
}
