/** Keeps the timeline of a large run that has ended, which a page would otherwise count from all of its events. Part of a derive. */

import type { PoolClient } from 'pg';
import { loadSql } from '../store/sql.ts';

/** As many as pages ask for, and the API gives unasked. */
export const TIMELINE_STEPS = 120;
/** Items and vendor calls. Below it, counting takes a few hundredths of a second. */
export const LARGE_TIMELINE_ROWS = 50_000;

/**
 * @param bounds tenant, run, first and last event time
 * @param largeFrom items and vendor calls that make a run large
 */
export async function keepTimeline(
  client: PoolClient,
  bounds: readonly unknown[],
  largeFrom: number = LARGE_TIMELINE_ROWS,
): Promise<void> {
  await client.query(loadSql('queries/derive/store_timeline'), [...bounds, TIMELINE_STEPS, largeFrom]);
}
