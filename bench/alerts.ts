/**
 * How long each alert rule takes over 10,000 runs of 100 tenants, warm, and how it reads them. No rule reads events, so none are made; runs
 * have the stages, vendors, numbers and reviews of a night.
 *
 *     npx tsx bench/alerts.ts [--runs 10000] [--tenants 100] [--rounds 10] [--data FOLDER] [--only RULE] [--plan]
 *
 * --data keeps the seed for the next time; --only looks at one rule, --plan prints whole plans. Exit code 1 when a rule reads events or a sweep over all rules takes more than five seconds.
 */
import { parseArgs } from 'node:util';
import type { PoolClient } from 'pg';
import { evaluateRule, judgingQuery } from '../receiver/derive/alerts/evaluate.ts';
import { type LoadedRule, loadRules } from '../receiver/derive/alerts/load_rules.ts';
import { setOverride } from '../receiver/derive/alerts/set_rule.ts';
import { startBenchServer } from './bench_server.ts';
import { planOf } from './query_plan.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    tenants: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '10' },
    data: { type: 'string' },
    only: { type: 'string' },
    plan: { type: 'boolean', default: false },
  },
});
const SWEEP_LIMIT_MS = 5_000;
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Two pipelines a tenant, a run of each every twelve hours or so; one in fifty failed, one in a hundred is still running. */
const SEED = [
  'insert into runledger.tenants (tenant_id) select n from generate_series(1, $2::int) n where $1::int > 0',
  `insert into public.enrichment_runs (run_id, tenant_id, pipeline, environment, status, started_at, ended_at, first_event_at, last_event_at,
     last_received_at, derived_at, derived_status, resource, sent_statements, sent_items, stored_items)
   select n, n % $2::int + 1, 'pipeline' || n / $2::int % 2, 'prod', s.status, t.at, e.at, t.at, coalesce(e.at, now()), coalesce(e.at, now()),
     now(), s.status, jsonb_build_object('service.name', 'bench', 'host.name', repeat('h', 200)), 1, 100, 100 - (n % 500 = 0)::int
   from generate_series(1, $1::int) n
   cross join lateral (select now() - ($1::int - n) / $2::int * interval '6 hours' - interval '2 hours' as at) t
   cross join lateral (select case when n > $1::int * 0.99 then 'running' when n % 50 = 0 then 'failed' else 'succeeded' end as status) s
   cross join lateral (select case when s.status <> 'running' then t.at + (30 + n % 20) * interval '1 minute' end as at) e`,
  `insert into public.run_stage_stats (run_id, tenant_id, stage, count_total, count_error, count_success, p50_ms, p95_ms, p99_ms, status,
     started_at, ended_at, duration_samples, duration_class)
   select r.run_id, r.tenant_id, s.stage, 1000, 10, 990, 400, 900 + r.run_id % 100, 1000, 'ok', r.started_at, r.ended_at, 1000, 'item'
   from public.enrichment_runs r
   cross join unnest(array['mv_refresh', 'select', 'crawl', 'llm', 'emails', 'score', 'qa', 'export_odoo']) as s (stage)
   where $1::int > 0 and $2::int > 0`,
  `insert into public.run_vendor_usage (run_id, tenant_id, vendor, calls, cost_usd, rate_limit_hits)
   select r.run_id, r.tenant_id, v.vendor, 1000, 1.25, case when r.run_id % 40 = 0 then 3 else 0 end
   from public.enrichment_runs r cross join unnest(array['openai', 'serper', 'dropcontact', 'hunter']) as v (vendor)
   where $1::int > 0 and $2::int > 0`,
  `insert into public.run_metrics (run_id, tenant_id, name, set_value)
   select r.run_id, r.tenant_id, m.name, 100 from public.enrichment_runs r
   cross join unnest(array['candidates_selected', 'emails_found', 'emails_verified', 'items_delivered']) as m (name)
   where $1::int > 0 and $2::int > 0`,
  `insert into public.qa_samples (run_id, tenant_id, company_id, bucket, result)
   select r.run_id, r.tenant_id, n, 'High', case when n % 9 = 0 then 'fail' else 'pass' end
   from public.enrichment_runs r cross join generate_series(1, 10) n where $1::int > 0 and $2::int > 0`,
  `insert into runledger.schedules (tenant_id, pipeline, environment, cron)
   select n, 'pipeline' || p, 'prod', '0 3 * * *' from generate_series(1, $2::int) n cross join generate_series(0, 1) p where $1::int > 0`,
  `insert into runledger.expected_runs (tenant_id, pipeline, environment, due_at, start_by, run_id)
   select s.tenant_id, s.pipeline, s.environment, d.at, d.at + interval '15 minutes', r.run_id
   from runledger.schedules s
   cross join lateral (select now() - n * interval '1 day' as at from generate_series(-2, 99) n) d
   left join lateral (
     select run_id from public.enrichment_runs r
     where r.tenant_id = s.tenant_id and r.started_at >= d.at and d.at < now() order by r.started_at limit 1
   ) r on true
   where $1::int > 0 and $2::int > 0`,
];

const server = await startBenchServer(values.data);
try {
  if (!server.isOld) {
    for (const sql of SEED) await server.superuser.query(sql, [Number(values.runs), Number(values.tenants)]);
    await server.superuser.query('vacuum analyze');
  }
  const client = await server.owner.connect();
  await main(client).finally(() => client.release());
} finally {
  await server.remove();
}

async function main(client: PoolClient): Promise<void> {
  // The costly way: budgets for everybody, and a limit of its own for each tenant.
  for (let tenantId = 0; tenantId <= Number(values.tenants); tenantId++) {
    const parameters = { per_run_usd: 100, per_day_usd: 20, per_month_usd: 200 };
    await setOverride(client, { rule: 'cost_budget', tenantId, pipeline: '', parameters });
    if (tenantId > 0)
      await setOverride(client, { rule: 'crawl_error_rate', tenantId, pipeline: '', parameters: { warn_above: 0.2 } });
  }
  const { rules } = await loadRules(client);
  const now = new Date();
  const day = new Date(now.getTime() - 15 * 86_400_000);
  say('| rule | found | median ms | 15 days ago | how it reads |');
  say('|---|---|---|---|---|');
  let sweepMs = 0;
  let readsEvents = false;
  for (const rule of rules) {
    if (values.only !== undefined && values.only !== rule.rule) continue;
    const found = await evaluateRule(client, rule, now);
    const ms = await medianMs(client, rule, now);
    const { sql, parameters } = judgingQuery(rule, now);
    const plan = await planOf(client, sql, parameters);
    sweepMs += ms;
    readsEvents ||= plan.includes('event_logs') || plan.includes('events_');
    say(
      `| ${rule.rule} | ${found.length} | ${ms.toFixed(1)} | ${(await medianMs(client, rule, day)).toFixed(1)} | ${plan} |`,
    );
    if (values.plan) {
      const explained = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers) ${sql}`, parameters);
      for (const row of explained.rows) say(row['QUERY PLAN']);
    }
  }
  say(`all rules: ${sweepMs.toFixed(0)} ms`);
  process.exitCode = readsEvents || sweepMs > SWEEP_LIMIT_MS ? 1 : 0;
}

async function medianMs(client: PoolClient, rule: LoadedRule, asOf: Date): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const startedMs = performance.now();
    await evaluateRule(client, rule, asOf);
    times.push(performance.now() - startedMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
