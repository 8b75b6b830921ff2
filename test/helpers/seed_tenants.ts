/** Rows of two tenants in every table that holds tenants' data, for tests that try to get from one to the other. */
import pg from 'pg';
import { withClient } from './database_admin.ts';

export const MINE = 7;
export const OTHER = 8;
export const DAY = '2026-11-20';

/** Tables with the rows of tenants, parents of partitions included. */
export const TENANT_TABLES = [
  'public.enrichment_runs',
  'public.run_event_logs',
  'public.run_stage_stats',
  'public.run_vendor_usage',
  'public.run_metrics',
  'public.qa_samples',
  'runledger.tenants',
  'runledger.run_keys',
  'runledger.tokens',
  'runledger.bi_logins',
  'runledger.prices',
  'runledger.trace_bindings',
  'runledger.parked_spans',
  'runledger.dirty_runs',
  'runledger.refusals',
  'runledger.qa_settings',
  'runledger.trend_buckets',
  'runledger.trend_days',
  'runledger.run_timelines',
  'runledger.model_usage',
  'runledger.sealed_runs',
  'runledger.alert_overrides',
  'runledger.alerts',
  'runledger.schedules',
  'runledger.expected_runs',
  'runledger.alert_channels',
  'runledger.alert_deliveries',
  'runledger.acts',
  'runledger.tenant_quotas',
  'runledger.run_admissions',
  'runledger.quota_holds',
] as const;

/** What BI logins read; the first six of TENANT_TABLES. */
export const PUBLIC_TABLES = TENANT_TABLES.slice(0, 6);

/** Of which runledger_reader sees the rows of its own tenant and no others. */
export const OWN_TO_READERS = [
  ...PUBLIC_TABLES,
  'runledger.tenants',
  'runledger.refusals',
  'runledger.trend_buckets',
  'runledger.trend_days',
  'runledger.run_timelines',
  'runledger.model_usage',
  'runledger.alerts',
  'runledger.schedules',
  'runledger.expected_runs',
  'runledger.alert_deliveries',
  'runledger.acts',
  'runledger.tenant_quotas',
  'runledger.quota_holds',
] as const;

/** What is everybody's: rows of tenant 0. */
export const SHARED_ROWS = `
  insert into runledger.prices (vendor, unit, amount_usd) values ('all', 'call', 1) on conflict do nothing;
  insert into runledger.alert_overrides (tenant_id, rule) values (0, 'run_failed') on conflict do nothing`;

/** One row a table for MINE and OTHER each, run_id 100 + tenant. */
export async function seedTenants(superuserUrl: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    await client.query(`select runledger.ensure_partition('${DAY}')`);
    for (const tenant of [MINE, OTHER]) await client.query(rowsOf(tenant));
  });
}

function rowsOf(tenant: number): string {
  const run = 100 + tenant;
  const at = `'${DAY} 10:00:00Z'`;
  return `
    insert into runledger.tenants (tenant_id) values (${tenant});
    insert into public.enrichment_runs (run_id, tenant_id, pipeline) values (${run}, ${tenant}, 'p');
    insert into public.run_event_logs (run_id, tenant_id, stage, event, status, trace_id, ts, span_id, seq, kind)
      values (${run}, ${tenant}, 's', 'finish', 'ok', 't', ${at}, 'a', 1, 'stage');
    insert into public.run_stage_stats (run_id, tenant_id, stage) values (${run}, ${tenant}, 's');
    insert into public.run_vendor_usage (run_id, tenant_id, vendor) values (${run}, ${tenant}, 'v');
    insert into public.run_metrics (run_id, tenant_id, name) values (${run}, ${tenant}, 'm');
    insert into public.qa_samples (run_id, tenant_id, company_id, bucket) values (${run}, ${tenant}, 1, 'High');
    insert into runledger.run_keys (tenant_id, run_key) values (${tenant}, 'k');
    insert into runledger.tokens (kind, tenant_id, name, scopes, token_hash)
      values ('tenant', ${tenant}, 'n', '{read}', sha256('${tenant}'::bytea));
    insert into runledger.bi_logins values ('bi_of_nobody_${tenant}', ${tenant});
    insert into runledger.prices (tenant_id, vendor, unit, amount_usd) values (${tenant}, 'v', 'call', 1);
    insert into runledger.trace_bindings values (${tenant}, 't', ${tenant}, ${run}, now());
    insert into runledger.parked_spans values (${tenant}, 't', ${at}, 'a', 1, 'no_run_yet', null, '{}', now());
    insert into runledger.dirty_runs values (${tenant}, ${run}, now(), now(), 1);
    insert into runledger.refusals values (${tenant}, '${DAY}', 'future', 1);
    insert into runledger.qa_settings (tenant_id, bucket) values (${tenant}, 'high');
    insert into runledger.trend_buckets values (${tenant}, ${run}, 's', 'stage', 1, 0, '{7}', '{1}');
    insert into runledger.trend_days values (${tenant}, 'p', 'e', '${DAY}', 's', 'stage', true, 1, 1, 1, 0, '{7}', '{1}');
    insert into runledger.run_timelines values (${tenant}, ${run}, ${at}, 120, 1, 0, 0, '[]');
    insert into runledger.model_usage values (${tenant}, ${run}, 'v', 'm', 1, 0, 0, 0, 0, 0, 0, 0);
    insert into runledger.sealed_runs values (${tenant}, ${run}, now(), '2000-01-01', 0, 0, 'c');
    insert into runledger.alert_overrides (tenant_id, rule) values (${tenant}, 'run_failed');
    insert into runledger.alerts (tenant_id, rule, code, severity, fired_at, last_bad_at)
      values (${tenant}, 'run_failed', 'RF-07', 'page', now(), now());
    insert into runledger.schedules (tenant_id, pipeline, cron) values (${tenant}, 'p', '0 3 * * *');
    insert into runledger.expected_runs values (${tenant}, 'p', '', ${at}, ${at}, null);
    insert into runledger.alert_channels (tenant_id, channel, kind, url) values (${tenant}, 'c', 'slack', 'https://hooks.example/${tenant}');
    insert into runledger.alert_deliveries
      (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, next_attempt_at, created_at)
      values (${tenant}, 1, ${tenant}, 'c', 'fired', ${at}, '{}', ${at}, ${at});
    insert into runledger.acts (tenant_id, actor, act, object) values (${tenant}, 'n', 'cancel', 'run ${run}');
    insert into runledger.tenant_quotas (tenant_id, open_runs) values (${tenant}, 3);
    insert into runledger.run_admissions values (${tenant}, ${run}, now());
    insert into runledger.quota_holds values (${tenant}, 'open_runs', '${DAY}', 1, now());`;
}

/** A URL with another login. */
export function asLogin(databaseUrl: string, login: string, password: string): string {
  const url = new URL(databaseUrl);
  url.username = encodeURIComponent(login);
  url.password = encodeURIComponent(password);
  return url.href;
}

/** Runs `work` on one connection of `databaseUrl`. */
export { withClient };

/** A connection, or a pool: each query then stands alone, so that a refused one does not spoil the next. */
export type Queryable = pg.ClientBase | pg.Pool;

/** The SQLSTATE that `query` ends in; null when it works. */
export async function failureOf(client: Queryable, query: string): Promise<string | null> {
  try {
    await client.query(query);
    return null;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code !== undefined) return error.code;
    throw error;
  }
}
