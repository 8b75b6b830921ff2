/** Makes run keys in the process, so that a pipeline never waits for the ledger to name its run. */

import { randomBytes } from 'node:crypto';

/**
 * A new run key that sorts by time within its pipeline: `nightly-20261123T020000.123Z-9f2c1a0b`.
 *
 * @param pipeline characters other than letters, digits, `.`, `_` and `-` become `-`; cut at 120.
 * @param now milliseconds since the epoch.
 */
export function makeRunKey(pipeline: string, now: number = Date.now()): string {
  const name = pipeline.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 120) || 'run';
  const time = new Date(now).toISOString().replace(/[-:]/g, '');
  return `${name}-${time}-${randomBytes(4).toString('hex')}`;
}
