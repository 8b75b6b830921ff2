/** Shows running runs from which nothing was received for half an hour as abandoned. Any later signal corrects it. */

import type { Pool } from 'pg';
import { inTransaction } from '../store/pool.ts';
import { loadSql } from '../store/sql.ts';

const SILENCE_MS = 30 * 60_000;
const RUNS_LISTED = 1_000;

/**
 * Abandons silent runs, each in a transaction of its own so that no two run rows are held at once, and marks them for derive.
 * @param now the server's clock: silence is about when something was received, never about the times that spans state
 * @returns how many runs were abandoned
 */
export async function abandonSilentRuns(pool: Pool, now: Date = new Date()): Promise<number> {
  let abandoned = 0;
  for (;;) {
    const sql = loadSql('jobs/list_silent_runs');
    const { rows } = await pool.query<{ tenant_id: number; run_id: number }>(sql, [now, SILENCE_MS, RUNS_LISTED]);
    for (const row of rows) if (await abandonRun(pool, row.tenant_id, row.run_id, now)) abandoned++;
    if (rows.length < RUNS_LISTED) return abandoned;
  }
}

function abandonRun(pool: Pool, tenantId: number, runId: number, now: Date): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(loadSql('jobs/abandon_run'), [now, SILENCE_MS, tenantId, runId]);
    if (rowCount !== 1) return false;
    // The status is terminal now, so the run is derived as one that has ended.
    await client.query(loadSql('queries/write/mark_dirty'), [[tenantId], [runId], [1], [true], [true], now]);
    return true;
  });
}
