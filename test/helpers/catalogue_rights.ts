/** What each role is meant to have, written down by hand for test/sql/catalogue.test.ts: a right that is not here is one too many. */
import { TENANT_TABLES } from './seed_tenants.ts';

/** Tables that Citus would distribute: every key of theirs contains the tenant. */
export const SHARED = [...TENANT_TABLES.slice(0, 6), 'runledger.run_keys', ...TENANT_TABLES.slice(11)];

/** Beside the owner, who has everything. `r` select, `a` insert, `w` update, `d` delete, `U` usage; columns in brackets. */
export const TABLE_GRANTS: Record<string, Record<string, string>> = {
  'public.enrichment_runs': { ingest: 'raw', reader: 'r', operator: 'r', bi: 'r' },
  'public.run_event_logs': { ingest: 'ra', reader: 'r', operator: 'r', bi: 'r' },
  'public.run_stage_stats': { ingest: 'raw', reader: 'r', operator: 'r', bi: 'r' },
  'public.run_vendor_usage': { ingest: 'raw', reader: 'r', operator: 'r', bi: 'r' },
  'public.run_metrics': { ingest: 'raw', reader: 'r', operator: 'r', bi: 'r' },
  'public.qa_samples': { ingest: 'r', reader: 'r', operator: 'r', bi: 'r' },
  'runledger.tenants': { ingest: 'ra', reader: 'r', operator: 'ra' },
  'runledger.run_keys': { ingest: 'ra', operator: 'r' },
  'runledger.tokens': { operator: 'a' },
  'runledger.bi_logins': {},
  'runledger.vendors': { ingest: 'r', reader: 'r', operator: 'r' },
  'runledger.prices': { ingest: 'r', reader: 'r', operator: 'r' },
  'runledger.attribute_aliases': { ingest: 'r', operator: 'r' },
  'runledger.trace_bindings': { ingest: 'raw', operator: 'r' },
  'runledger.parked_spans': { ingest: 'rawd', operator: 'r' },
  'runledger.dirty_runs': { ingest: 'rawd', operator: 'r' },
  'runledger.refusals': { ingest: 'raw', operator: 'r', reader: 'r' },
  'runledger.qa_settings': { reader: 'r', operator: 'ra' },
  'runledger.trend_buckets': { reader: 'r', operator: 'r', bi: 'r' },
  'runledger.trend_days': { reader: 'r', operator: 'r', bi: 'r' },
  'runledger.run_timelines': { reader: 'r', operator: 'r' },
  'runledger.model_usage': { reader: 'r', operator: 'r', bi: 'r' },
  'runledger.sealed_runs': { operator: 'r' },
  'runledger.alert_rules': { reader: 'r', operator: 'r' },
  'runledger.alert_overrides': { reader: 'r', operator: 'rawd' },
  'runledger.alerts': { reader: 'r', operator: 'r', bi: 'r' },
  'runledger.schedules': { reader: 'r', operator: 'rawd' },
  'runledger.expected_runs': { reader: 'r', operator: 'r' },
  'runledger.alert_channels': { operator: 'ad' },
  'runledger.alert_deliveries': {},
  'runledger.audit_results': { operator: 'r' },
  'runledger.acts': { reader: 'r', operator: 'r' },
  'runledger.tenant_quotas': { ingest: 'r', reader: 'r', operator: 'raw' },
  'runledger.run_admissions': { ingest: 'rad' },
  'runledger.quota_holds': { ingest: 'raw', reader: 'r', operator: 'r' },
  'runledger.settings': { ingest: 'r' },
  'runledger.retention': { ingest: 'r', reader: 'r', operator: 'r' },
  'runledger.applied_files': {},
  'runledger.schema_migrations': {},
  'runledger.events_20261120': {},
};

function onColumns(table: string, rights: string, roles: readonly string[], columns: string): string[] {
  return columns.split(' ').flatMap((column) => roles.map((role) => `${table}.${column} ${role} ${rights}`));
}

const PEOPLE = ['reader', 'operator'];
export const COLUMN_GRANTS = [
  ...onColumns('public.enrichment_runs', 'w', PEOPLE, 'excluded note langsmith_trace_url'),
  ...onColumns('runledger.alerts', 'w', PEOPLE, 'state acked_at acked_by snoozed_until snoozed_by note'),
  ...onColumns('runledger.acts', 'a', PEOPLE, 'tenant_id at actor act object reason details'),
  ...onColumns(
    'runledger.alert_deliveries',
    'r',
    PEOPLE,
    'tenant_id delivery_id alert_id channel_tenant_id channel event event_at state attempts next_attempt_at last_error ' +
      'in_digest created_at finished_at',
  ),
  ...onColumns('runledger.alert_rules', 'w', ['operator'], 'severity parameters enabled remind_after_minutes'),
  ...onColumns(
    'runledger.alert_channels',
    'r',
    ['operator'],
    'tenant_id channel kind from_environment created_at host',
  ),
  ...onColumns('runledger.alert_channels', 'rw', ['operator'], 'min_severity allow_private enabled'),
  ...onColumns('runledger.alert_channels', 'w', ['operator'], 'url secret'),
  ...['checks', 'notes', 'result', 'reviewed_at', 'reviewer'].flatMap((column) => [
    `public.qa_samples.${column} operator w`,
    `public.qa_samples.${column} reader w`,
  ]),
  ...['checks', 'sample_limit'].map((column) => `runledger.qa_settings.${column} operator w`),
  ...['name', 'status'].map((column) => `runledger.tenants.${column} operator w`),
  ...onColumns('runledger.tokens', 'r', ['operator'], 'created_at kind last_used_at person scopes tenant_id token_id'),
  ...onColumns('runledger.tokens', 'rw', ['operator'], 'expires_at name revoked_at'),
].sort();

export const PUBLIC_VIEWS = [
  'alert_history',
  'latency_trends',
  'model_costs',
  'model_usage_by_run',
  'qa_pass_rates',
  'quality',
  'runs',
  'service_levels',
  'stage_latency',
  'tenant_overview',
  'vendor_costs',
  'vendor_usage_by_run',
];
export const VIEW_GRANTS: Record<string, string> = {
  ...Object.fromEntries(PUBLIC_VIEWS.map((view) => [`public.${view}`, 'bi operator reader'])),
  'runledger.recounted_metrics': 'operator',
  'runledger.recounted_runs': 'operator',
  'runledger.recounted_stage_stats': 'operator',
  'runledger.recounted_vendor_usage': 'operator',
  'runledger.watched_runs': 'nobody',
};

/** Roles that policies may name, per table; others see no row. */
export const POLICIES: Record<string, string[]> = {
  owner_all: ['runledger_owner'],
  all_rows: ['runledger_ingest', 'runledger_operator'],
  reader_own: ['runledger_reader'],
  reader_shared: ['runledger_reader'],
  reader_review: ['runledger_reader'],
  reader_act: ['runledger_reader'],
  bi_own: ['runledger_bi'],
};
