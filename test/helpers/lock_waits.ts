/** Makes a session wait for a lock for certain, so that a test can act at exactly that moment. */
import type { Pool } from 'pg';

/** Until a session of the pool's database waits for a lock. */
export async function waitForLockWait(pool: Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      `select 1 from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** While another session holds the rows of enrichment_runs that the condition names. */
export async function whileLocked<T>(pool: Pool, condition: string, work: () => Promise<T>): Promise<T> {
  const blocker = await pool.connect();
  try {
    await blocker.query(`begin; select 1 from public.enrichment_runs where ${condition} for update`);
    return await work();
  } finally {
    await blocker.query('rollback');
    blocker.release();
  }
}

/** Ends the sessions of this database that wait for a lock, and waits until they have let go of what they held. */
export async function killWaiting(superuser: Pool): Promise<void> {
  await superuser.query(
    `select pg_terminate_backend(pid, 10000) from pg_locks l join pg_stat_activity a using (pid)
     where not l.granted and a.datname = current_database()`,
  );
}
