/** Whether the tenant walls stand in this very database, asked by /readyz before any tenant is let near it. */

import type pg from 'pg';
import { inTransaction } from './pool.ts';
import { loadSql } from './sql.ts';

/**
 * @param pool of runledger_reader
 * @returns what is wrong (superuser, bypasses row-level security, sees rows with no tenant set), or null when the walls stand
 * @throws the database error when it could not be found out
 */
export async function findBrokenWall(pool: pg.Pool): Promise<string | null> {
  return inTransaction(
    pool,
    async (client) => {
      const { rows } = await client.query<{ problem: string | null }>(loadSql('queries/store/check_walls'));
      // No row: the role is not among the cluster's roles, which a working server cannot say of the one it runs as.
      return rows[0] === undefined ? 'the reader has no role' : rows[0].problem;
    },
    { readOnly: true },
  );
}
