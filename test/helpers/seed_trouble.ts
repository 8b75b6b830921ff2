/**
 * A bad night in the ledger: one run of tenant 7 in which everything went wrong after twelve good ones, a silent run, one that was short
 * and slow, one that never came, and the alerts that the rules themselves make of it. Tenant 8 had a good night with the same run ids;
 * whatever of it shows up in an answer about tenant 7 is a hole. Written with plain inserts, because counters that fit no events are
 * part of what is looked at.
 */
import type pg from 'pg';
import { evaluateRule } from '../../receiver/derive/alerts/evaluate.ts';
import type { Finding } from '../../receiver/derive/alerts/finding.ts';
import { type LoadedRule, loadRules } from '../../receiver/derive/alerts/load_rules.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { withClient } from './database_admin.ts';
import { MINE, OTHER } from './seed_tenants.ts';

/** The night's day. Everything is dated by it, so that a test means the same whenever it runs. */
export const NIGHT = '2026-11-20';
export const BAD_RUN = 100;
export const SILENT_RUN = 101;
export const SHORT_RUN = 86;
/** Runs 1 to 12, on the twelve nights before. */
export const GOOD_RUNS = 12;

export async function seedTrouble(superuserUrl: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    await client.query(`select runledger.ensure_partitions('2026-11-19', '2026-11-20')`);
    for (const tenant of [MINE, OTHER]) {
      await client.query(`insert into runledger.tenants (tenant_id) values (${tenant})`);
      await client.query(goodNights(tenant));
    }
    await client.query(badRun());
    await client.query(badRunEvents());
    await client.query(otherRuns());
    await client.query(samples());
    await client.query(ingestTrouble());
    await client.query(earlierAlerts());
  });
  await storeAlerts(superuserUrl);
}

/** Each an hour long, at 02:00, with the same counters. */
function goodNights(tenant: number): string {
  const runs = `generate_series(1, ${GOOD_RUNS}) as g (run_id)`;
  const start = `timestamptz '${NIGHT} 02:00:00Z' - (13 - g.run_id) * interval '1 day'`;
  return `
    insert into public.enrichment_runs (run_id, tenant_id, pipeline, environment, pipeline_version, status, state, started_at, ended_at,
      first_event_at, last_event_at, derived_at)
    select g.run_id, ${tenant}, 'nightly', 'production', '1.0.0', 'succeeded', 'succeeded', ${start}, ${start} + interval '1 hour',
      ${start}, ${start} + interval '1 hour', ${start} + interval '2 hours'
    from ${runs};
    insert into public.run_stage_stats (run_id, tenant_id, stage, count_total, count_success, count_error, p50_ms, p95_ms, p99_ms,
      duration_ms, duration_samples, duration_class, status, started_at, ended_at)
    select g.run_id, ${tenant}, s.*, ${start}, ${start} + interval '10 minutes'
    from ${runs} cross join (values
      ('mv_refresh', 1, 1, 0, 20000, 20000, 20000, 20000, 1, 'stage', 'ok'),
      ('select_targets', 1, 1, 0, 900, 900, 900, 900, 1, 'stage', 'ok'),
      ('crawl', 200, 190, 10, 800, 2000, 2500, 1500000, 200, 'item', 'ok'),
      ('score', 190, 190, 0, 0, 0, 0, 400000, 0, null, 'ok'),
      ('export_odoo', 150, 150, 0, 100, 200, 300, 60000, 150, 'item', 'ok')) as s;
    insert into public.run_vendor_usage (run_id, tenant_id, vendor, calls, errors, cost_usd, tokens_input, tokens_output, p50_ms, p95_ms,
      p99_ms, duration_samples)
    select g.run_id, ${tenant}, v.* from ${runs} cross join (values
      ('openai', 200, 0, 4.00, 200000, 40000, 700, 1500, 1900, 200),
      ('lusha', 100, 2, 5.50, 0, 0, 300, 600, 700, 100)) as v;
    insert into public.run_metrics (run_id, tenant_id, name, set_value)
    select g.run_id, ${tenant}, m.* from ${runs} cross join (values ('candidates_considered', 500), ('candidates_selected', 200),
      ('items_delivered', 150), ('emails_found', 100), ('emails_verified', 60), ('fallback_attempted', 20), ('fallback_used', 5),
      ('lookups_attempted', 100), ('lookups_succeeded', 80), ('bucket_high', 30), ('bucket_medium', 50), ('bucket_low', 120)) as m;
    insert into runledger.trend_buckets
    select ${tenant}, g.run_id, 'crawl', 'item', 200, 0, '{337,383}', '{180,20}' from ${runs};`;
}

function badRun(): string {
  const at = (time: string) => `'${NIGHT} ${time}Z'`;
  return `
    insert into public.enrichment_runs (run_id, tenant_id, run_key, pipeline, environment, pipeline_version, status, state, started_at,
      ended_at, first_event_at, last_event_at, last_received_at, derived_at, sent_statements, sent_stages, sent_items, stored_stages,
      stored_items)
    values (${BAD_RUN}, ${MINE}, 'night-of-trouble', 'nightly', 'production', '1.1.0', 'failed', 'failed', ${at('02:00:00')},
      ${at('03:30:00')}, ${at('02:00:00')}, ${at('03:30:00')}, ${at('03:30:01')}, ${at('03:31:00')}, 1, 5, 400, 5, 390);
    insert into public.run_stage_stats (run_id, tenant_id, stage, count_total, count_success, count_error, p50_ms, p95_ms, p99_ms,
      duration_ms, duration_samples, duration_class, retry_count, fallback_count, status, started_at, ended_at)
    values
      (${BAD_RUN}, ${MINE}, 'mv_refresh', 1, 0, 1, 60000, 60000, 60000, 60000, 1, 'stage', 0, 0, 'error', ${at('02:00:01')}, ${at('02:01:01')}),
      (${BAD_RUN}, ${MINE}, 'select_targets', 1, 1, 0, 950, 950, 950, 950, 1, 'stage', 0, 0, 'ok', ${at('02:01:02')}, ${at('02:01:03')}),
      (${BAD_RUN}, ${MINE}, 'crawl', 200, 80, 120, 850, 9000, 9900, 3000000, 200, 'item', 40, 12, 'error', ${at('02:02:00')}, ${at('02:50:00')}),
      (${BAD_RUN}, ${MINE}, 'score', 80, 60, 20, 900, 2000, 3000, 900000, 80, 'vendor_call', 10, 0, 'ok', ${at('02:50:10')}, ${at('03:10:00')}),
      (${BAD_RUN}, ${MINE}, 'export_odoo', 60, 50, 10, 110, 250, 400, 90000, 60, 'item', 3, 0, 'error', ${at('03:11:00')}, ${at('03:29:00')});
    insert into public.run_vendor_usage (run_id, tenant_id, vendor, calls, errors, cost_usd, rate_limit_hits, quota_exhausted, tokens_input,
      tokens_output, unpriced_calls, unpriced_tokens, p50_ms, p95_ms, p99_ms, duration_samples)
    values
      (${BAD_RUN}, ${MINE}, 'openai', 90, 40, 31.25, 35, false, 900000, 90000, 5, 4000, 900, 8000, 9500, 90),
      (${BAD_RUN}, ${MINE}, 'lusha', 50, 20, 2.75, 3, true, 0, 0, 0, 0, 0, 0, 0, 0);
    insert into public.run_metrics (run_id, tenant_id, name, set_value)
    values (${BAD_RUN}, ${MINE}, 'candidates_considered', 480), (${BAD_RUN}, ${MINE}, 'candidates_selected', 30),
      (${BAD_RUN}, ${MINE}, 'items_delivered', 50), (${BAD_RUN}, ${MINE}, 'emails_found', 40), (${BAD_RUN}, ${MINE}, 'emails_verified', 0);
    insert into runledger.trend_buckets
    values (${MINE}, ${BAD_RUN}, 'crawl', 'item', 200, 0, '{337,459}', '{150,50}');`;
}

/** A few rows of each sort of trouble; far fewer than the counters say, so that no query can mistake one for the other. */
function badRunEvents(): string {
  const rows: [time: string, stage: string, kind: string, event: string, status: string, rest: string][] = [
    [
      '02:01:01',
      'mv_refresh',
      'stage',
      'error',
      'error',
      "'55P03', 60000, null, null, null, 0, 0, 0, false, null, 0, 0",
    ],
    ['02:01:03', 'select_targets', 'stage', 'finish', 'ok', 'null, 950, null, null, null, 0, 0, 0, false, null, 0, 0'],
    ['02:10:00', 'crawl', 'item', 'error', 'error', "'HTTP_403', 400, 11, null, null, 0, 0, 0, false, null, 0, 0"],
    ['02:11:00', 'crawl', 'item', 'error', 'error', "'TIMEOUT', 9000, 12, null, null, 0, 0, 0, false, null, 0, 0"],
    ['02:12:00', 'crawl', 'item', 'error', 'error', "'TIMEOUT', 9900, 13, null, null, 0, 0, 0, false, null, 0, 0"],
    ['02:13:00', 'crawl', 'item', 'finish', 'ok', 'null, 850, 14, null, null, 0, 0, 0, false, null, 0, 0'],
    [
      '02:20:00',
      'crawl',
      'vendor_call',
      'vendor_call',
      'error',
      "'HTTP_402', 90, 11, 'lusha', null, 1, 1, 0, true, null, 0, 0",
    ],
    [
      '02:51:10',
      'score',
      'vendor_call',
      'vendor_call',
      'error',
      `'HTTP_429', 800, 14, 'openai', '{"gen_ai.request.model": "model-a"}', 2, 2, 3, false, null, 0, 0`,
    ],
    [
      '02:52:20',
      'score',
      'vendor_call',
      'vendor_call',
      'ok',
      `null, 900, 14, 'openai', '{"gen_ai.response.model": "model-a"}', 1, 0, 0, false, 31.25, 900, 90`,
    ],
    [
      '03:20:00',
      'export_odoo',
      'item',
      'error',
      'error',
      "'MISSING_DEFAULT', 110, 21, null, null, 0, 0, 0, false, null, 0, 0",
    ],
    [
      '03:30:00',
      '_run',
      'run',
      'error',
      'error',
      "'EXPORT_FAILED', 5400000, null, null, null, 0, 0, 0, false, null, 0, 0",
    ],
  ];
  const values = rows.map(
    ([time, stage, kind, event, status, rest], place) =>
      `(${BAD_RUN}, ${MINE}, '${NIGHT} ${time}Z', '${stage}', '${kind}', '${event}', '${status}', ${rest}, '${place.toString(16).padStart(16, '0')}', 1, repeat('a', 32))`,
  );
  return `
    insert into public.run_event_logs (run_id, tenant_id, ts, stage, kind, event, status, error_code, duration_ms, company_id, vendor, extra,
      calls, errors, rate_limit_hits, quota_exhausted, cost_usd, tokens_input, tokens_output, span_id, seq, trace_id)
    values ${values.join(',\n')}`;
}

/** The silent run, the short one after runs of an hour, and the ones that a schedule waits for. */
function otherRuns(): string {
  return `
    insert into public.enrichment_runs (run_id, tenant_id, pipeline, environment, status, started_at, first_event_at, last_event_at,
      last_received_at)
    values (${SILENT_RUN}, ${MINE}, 'weekly', 'production', 'running', '${NIGHT} 04:00Z', '${NIGHT} 04:00Z', '${NIGHT} 04:40Z', '${NIGHT} 04:40Z');
    insert into public.run_stage_stats (run_id, tenant_id, stage, count_total, count_success, status, started_at)
    values (${SILENT_RUN}, ${MINE}, 'crawl', 3, 3, 'running', '${NIGHT} 04:01Z');
    insert into public.run_event_logs (run_id, tenant_id, ts, stage, kind, event, status, company_id, span_id, seq, trace_id)
    values (${SILENT_RUN}, ${MINE}, '${NIGHT} 04:40Z', 'crawl', 'item', 'finish', 'ok', 31, repeat('b', 16), 1, repeat('b', 32));
    insert into public.enrichment_runs (run_id, tenant_id, pipeline, environment, status, state, started_at, ended_at, first_event_at,
      last_event_at, derived_at)
    select 80 + n, ${MINE}, 'refresh', 'production', 'succeeded', 'succeeded', t, t + length, t, t + length, t + interval '2 hours'
    from generate_series(0, 6) as n,
      lateral (select timestamptz '${NIGHT} 01:00Z' - (6 - n) * interval '1 day' as t, case when n = 6 then interval '2 minutes' else interval '1 hour' end as length) s;
    insert into public.run_stage_stats (run_id, tenant_id, stage, count_total, count_success, p50_ms, p95_ms, p99_ms, duration_samples, duration_class, status)
    select n, ${MINE}, 'crawl', 200, 200, 800, case when n = ${SHORT_RUN} then 9000 else 2000 end, 9500, 200, 'item', 'ok' from generate_series(80, 86) as n;
    insert into public.run_vendor_usage (run_id, tenant_id, vendor, calls, p50_ms, p95_ms, p99_ms, duration_samples)
    select n, ${MINE}, 'tavily', 50, 400, case when n = ${SHORT_RUN} then 8000 else 1500 end, 8500, 50 from generate_series(80, 86) as n;
    insert into runledger.trend_buckets
    select ${MINE}, n, 'crawl', 'item', 200, 0, case when n = ${SHORT_RUN} then '{337,459}'::int[] else '{337,383}' end, '{180,20}' from generate_series(80, 86) as n;
    insert into public.run_event_logs (run_id, tenant_id, ts, stage, kind, event, status, company_id, duration_ms, span_id, seq, trace_id)
    values (${SHORT_RUN}, ${MINE}, '${NIGHT} 01:01Z', 'crawl', 'item', 'finish', 'ok', 41, 9400, repeat('d', 16), 1, repeat('d', 32)),
      (${SHORT_RUN}, ${MINE}, '${NIGHT} 01:00:30Z', 'crawl', 'item', 'finish', 'ok', 42, 700, repeat('e', 16), 1, repeat('e', 32));
    insert into runledger.schedules (tenant_id, pipeline, cron) values (${MINE}, 'billing', '0 5 * * *'), (${OTHER}, 'billing', '0 5 * * *');
    insert into runledger.expected_runs values
      (${MINE}, 'billing', '', '2026-11-19 05:00Z', '2026-11-19 05:15Z', 70), (${MINE}, 'billing', '', '${NIGHT} 05:00Z', '${NIGHT} 05:15Z', null),
      (${OTHER}, 'billing', '', '${NIGHT} 05:00Z', '${NIGHT} 05:15Z', 71);
    insert into public.enrichment_runs (run_id, tenant_id, pipeline, status, state, started_at, ended_at, first_event_at, last_event_at)
    values (70, ${MINE}, 'billing', 'succeeded', 'succeeded', '2026-11-19 05:01Z', '2026-11-19 05:09Z', '2026-11-19 05:01Z', '2026-11-19 05:09Z');
    insert into runledger.tokens (kind, tenant_id, name, scopes, token_hash, last_used_at, expires_at)
    values ('tenant', ${MINE}, 'billing', '{write}', sha256('billing'), '2026-11-19 05:09Z', '${NIGHT} 00:00Z');`;
}

/** Ten samples of the last four good runs: six pass, the four newest fail for their domain; one more waits. */
function samples(): string {
  return `
    insert into public.qa_samples (run_id, tenant_id, company_id, bucket, result, checks, notes, reviewer, reviewed_at)
    select 9 + n * 4 / 10, ${MINE}, 500 + n, 'High', case when n < 6 then 'pass' else 'fail' end,
      jsonb_build_object('domain', n < 6, 'about_text', true), case when n >= 6 then 'another company' end, 'ana', timestamptz '2026-11-19 09:00Z' + n * interval '1 minute'
    from generate_series(0, 9) as n;
    insert into public.qa_samples (run_id, tenant_id, company_id, bucket) values (12, ${MINE}, 600, 'High'), (12, ${OTHER}, 601, 'High');
    insert into public.qa_samples (run_id, tenant_id, company_id, bucket, result, checks, reviewer, reviewed_at)
    values (12, ${OTHER}, 602, 'High', 'fail', '{"rationale": false}', 'otto', '2026-11-19 09:00Z');`;
}

function ingestTrouble(): string {
  return `
    insert into runledger.refusals values (${MINE}, '${NIGHT}', 'future', 12), (${OTHER}, '2026-11-01', 'too_old', 1);
    insert into runledger.parked_spans
    values (${MINE}, repeat('c', 32), '${NIGHT} 03:00Z', repeat('c', 16), 1, 'no_run_yet', null, '{}', '${NIGHT} 03:00:01Z');
    insert into runledger.audit_results values ('${NIGHT} 04:00Z', 'audit', 3, 40, 2, 0), ('2026-11-19 04:00Z', 'audit', 0, 39, 2, 0);
    insert into runledger.alert_deliveries (tenant_id, alert_id, channel_tenant_id, channel, event, event_at, message, state, attempts,
      next_attempt_at, last_error, created_at, finished_at)
    values (${MINE}, 1, 0, 'ops', 'fired', '${NIGHT} 04:00Z', '{}', 'dead', 12, '${NIGHT} 05:00Z', '500', '${NIGHT} 04:00Z', '${NIGHT} 05:00Z');
    insert into runledger.alert_channels (tenant_id, channel, kind, url) values (0, 'ops', 'webhook', 'https://hooks.example.com/ops');
    insert into runledger.alert_overrides (tenant_id, rule, parameters)
    values (${MINE}, 'crawl_error_rate', '{"warn_above": "much"}'), (${MINE}, 'cost_budget', '{"per_day_usd": 20}');`;
}

/** What the neighbour had days ago, one of each rule. */
function earlierAlerts(): string {
  return `
    insert into runledger.alerts (tenant_id, rule, code, severity, pipeline, run_id, state, fired_at, last_bad_at, resolved_at, resolved_because)
    select ${OTHER}, r.rule, r.code, 'warn', 'nightly', 1, 'resolved', timestamptz '2026-11-10 06:00Z', timestamptz '2026-11-10 06:00Z',
      timestamptz '2026-11-11 06:00Z', 'good'
    from runledger.alert_rules r`;
}

/** When the rules looked. */
export const LOOKED_AT = `${NIGHT}T06:00:00.000Z`;

export interface FiredAlert extends Finding {
  rule: LoadedRule;
}

/** What the rules say of the night: as a sweep at 06:00 would find it. */
export async function judgeNight(owner: pg.Pool): Promise<FiredAlert[]> {
  const client = await owner.connect();
  try {
    const { rules } = await loadRules(client);
    const fired: FiredAlert[] = [];
    for (const rule of rules) {
      const findings = await evaluateRule(client, rule, new Date(LOOKED_AT));
      fired.push(...findings.filter(({ verdict }) => verdict === 'bad').map((finding) => ({ ...finding, rule })));
    }
    return fired;
  } finally {
    client.release();
  }
}

/** Warnings a minute before pages, so that it is certain which alert of a code is the newest. */
async function storeAlerts(databaseUrl: string): Promise<void> {
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 1 });
  try {
    for (const { rule, tenantId, environment, pipeline, subject, severity, runId, numbers } of await judgeNight(owner))
      await owner.query(
        `insert into runledger.alerts (tenant_id, rule, code, severity, environment, pipeline, subject, run_id, numbers, fired_at, last_bad_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, t, t from (select $10::timestamptz - case $4::text when 'warn' then interval '1 minute' else interval '0' end as t) s`,
        [
          tenantId,
          rule.rule,
          rule.code,
          severity,
          environment,
          pipeline,
          subject,
          runId,
          JSON.stringify(numbers),
          LOOKED_AT,
        ],
      );
  } finally {
    await owner.end();
  }
}
