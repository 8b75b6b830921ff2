/**
 * Run names to run ids, before the write transaction: allocated inside of it, a rollback would leave the cache with an id that the next
 * process gives to another run.
 */

import type pg from 'pg';
import type { RunName } from '../map/row.ts';
import { loadSql } from '../store/sql.ts';

const MAX_CACHED = 50_000;

/** The runs that one group names. */
export interface NamedRuns {
  /** 0 for a key that resolve was not asked for. */
  idOf(tenantId: number, run: Exclude<RunName, null>): number;
  /** The key that named the run, or null: a decimal id, or a run that this group does not name. */
  keyOf(tenantId: number, runId: number): string | null;
}

export interface RunIds {
  /** Gives every key among the names its id, for good. */
  resolve(names: Iterable<{ tenantId: number; run: RunName }>): Promise<NamedRuns>;
  /** After a lost connection: a failover may have lost what the cache believes. */
  clear(): void;
}

export function createRunIds(pool: pg.Pool): RunIds {
  const cache = new Map<string, number>();

  return {
    clear: () => cache.clear(),
    async resolve(names) {
      const ids = new Map<string, number>();
      const keys = new Map<string, string>();
      const missing = new Map<string, { tenantId: number; key: string }>();
      const know = (tenantId: number, key: string, runId: number) => {
        ids.set(`${tenantId}:${key}`, runId);
        keys.set(`${tenantId}:${runId}`, key);
      };
      for (const { tenantId, run } of names) {
        if (run === null || !('key' in run) || tenantId === 0) continue;
        const text = `${tenantId}:${run.key}`;
        if (ids.has(text)) continue;
        const cached = cache.get(text);
        if (cached === undefined) missing.set(text, { tenantId, key: run.key });
        else know(tenantId, run.key, cached);
      }
      for (const found of await allocate(pool, [...missing.values()])) {
        if (cache.size >= MAX_CACHED) cache.clear();
        cache.set(`${found.tenant_id}:${found.run_key}`, found.run_id);
        know(found.tenant_id, found.run_key, found.run_id);
      }
      return {
        idOf: (tenantId, run) => ('id' in run ? run.id : (ids.get(`${tenantId}:${run.key}`) ?? 0)),
        keyOf: (tenantId, runId) => keys.get(`${tenantId}:${runId}`) ?? null,
      };
    },
  };
}

async function allocate(pool: pg.Pool, wanted: { tenantId: number; key: string }[]) {
  if (wanted.length === 0) return [];
  const parameters = [wanted.map(({ tenantId }) => tenantId), wanted.map(({ key }) => key)];
  await pool.query(loadSql('queries/write/add_run_keys'), parameters);
  const { rows } = await pool.query<{ tenant_id: number; run_key: string; run_id: number }>(
    loadSql('queries/write/find_run_keys'),
    parameters,
  );
  return rows;
}
