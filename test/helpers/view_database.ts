/** A database with the runs of view_model.ts, their trend rows and alerts, and a connection for each role that may look at the views. */
import pg from 'pg';
import { createPool } from '../../receiver/store/pool.ts';
import { type BiLogin, createBiLogin } from './bi_login.ts';
import { createTestDatabase } from './database.ts';
import { MINE, OTHER } from './seed_tenants.ts';
import { type ModelRun, storeRuns } from './view_model.ts';

export interface ViewDatabase {
  /** Of a superuser. */
  databaseUrl: string;
  superuser: pg.Pool;
  operator: pg.Pool;
  reader: pg.Pool;
  /** Of tenant MINE, in a timezone that is half a day off: days and months are UTC wherever the analyst sits. */
  bi: BiLogin;
  close(): Promise<void>;
}

export async function openViewDatabase(runs: readonly ModelRun[]): Promise<ViewDatabase> {
  const database = await createTestDatabase();
  const { databaseUrl, superuserUrl } = database;
  const superuser = new pg.Pool({ connectionString: superuserUrl, max: 1 });
  await storeRuns(superuser, runs);
  await superuser.query(`
    insert into runledger.tenants (tenant_id) values (${MINE}), (${OTHER}) on conflict do nothing;
    insert into runledger.trend_buckets
    select tenant_id, run_id, 'crawl', 'item', 3, 1, '{0, 100}', '{1, 1}' from public.enrichment_runs;
    insert into runledger.model_usage
    select tenant_id, run_id, vendor, case when tokens_input > 0 then 'gpt-4o-mini' else '' end, calls, errors, 0, tokens_input, tokens_output,
      cost_usd, unpriced_calls, unpriced_tokens
    from public.run_vendor_usage;
    insert into runledger.alerts (tenant_id, rule, code, severity, numbers, state, fired_at, last_bad_at, acked_at, resolved_at)
    select t, 'run_failed', 'RF-07', 'page', '{"value": 0.5, "limit": "x"}', 'resolved', '2026-10-01 10:00Z', '2026-10-01 10:05Z',
      '2026-10-01 10:04:30Z', '2026-10-01 11:00Z' from unnest(array[${MINE}, ${OTHER}]) t;
    insert into runledger.alerts (tenant_id, rule, code, severity, pipeline, fired_at, last_bad_at)
    select t, 'run_missed', 'RM-08', 'page', 'nightly', '2026-10-02 10:00Z', '2026-10-02 10:00Z' from unnest(array[${MINE}, ${OTHER}]) t`);
  const operator = createPool({ databaseUrl, role: 'runledger_operator', maxConnections: 1 });
  const reader = createPool({ databaseUrl, role: 'runledger_reader', maxConnections: 1 });
  const bi = await createBiLogin(database, MINE);
  await bi.query("set timezone to 'Pacific/Auckland'");
  return {
    databaseUrl,
    superuser,
    operator,
    reader,
    bi,
    async close() {
      await Promise.all([superuser.end(), operator.end(), reader.end(), bi.drop()]);
      await database.drop();
    },
  };
}
