-- A tenant, its last run, what its runs of the last $2 days came to, by vendor too, open alerts and QA. $1 tenant_id, $2 days, $3 now.
with runs as materialized (
  select r.run_id, r.status
  from public.enrichment_runs r
  where r.tenant_id = $1::int and r.started_at > $3::timestamptz - $2::int * interval '1 day'
), stages as (
  select
    coalesce(sum(s.count_total), 0)::bigint as units,
    coalesce(sum(s.count_error), 0)::bigint as unit_errors
  from public.run_stage_stats s
  join runs r on r.run_id = s.run_id
  where s.tenant_id = $1
), vendors as materialized (
  select
    v.vendor,
    sum(v.calls)::bigint as calls,
    sum(v.errors)::bigint as errors,
    sum(v.rate_limit_hits)::bigint as rate_limit_hits,
    count(*) filter (where v.quota_exhausted) as quota_runs,
    sum(v.tokens_input)::bigint as tokens_input,
    sum(v.tokens_output)::bigint as tokens_output,
    sum(v.cost_usd) as cost_usd,
    bool_and(v.unpriced_calls = 0 and v.unpriced_tokens = 0) as cost_complete
  from public.run_vendor_usage v
  join runs r on r.run_id = v.run_id
  where v.tenant_id = $1
  group by v.vendor
), metrics as (
  select m.name, sum(m.value) as value
  from public.run_metrics m
  join runs r on r.run_id = m.run_id
  where m.tenant_id = $1
  group by m.name
)
select json_build_object(
  'tenant_id', t.tenant_id,
  'name', t.name,
  'status', t.status,
  'last_run', (
    select json_build_object(
      'run_id', r.run_id, 'tenant_id', r.tenant_id, 'run_key', r.run_key, 'pipeline', r.pipeline, 'environment', r.environment,
      'status', r.status, 'degraded', r.degraded, 'started_at', r.started_at, 'ended_at', r.ended_at
    )
    -- By the index on started_at, and those without a start, which are few.
    from (
      (
        select * from public.enrichment_runs n
        where n.tenant_id = $1 and n.started_at is not null order by n.started_at desc, n.run_id desc limit 1
      )
      union all
      (
        select * from public.enrichment_runs n
        where n.tenant_id = $1 and n.started_at is null order by n.first_event_at desc nulls last, n.run_id desc limit 1
      )
    ) r
    order by coalesce(r.started_at, r.first_event_at) desc nulls last, r.run_id desc
    limit 1
  ),
  'days', $2,
  'totals', (
    select json_build_object(
      'runs', count(*),
      'running', count(*) filter (where r.status = 'running'),
      'succeeded', count(*) filter (where r.status = 'succeeded'),
      'failed', count(*) filter (where r.status = 'failed'),
      'cancelled', count(*) filter (where r.status = 'cancelled'),
      'abandoned', count(*) filter (where r.status = 'abandoned'),
      'units', (select s.units from stages s),
      'unit_errors', (select s.unit_errors from stages s),
      'cost_usd', (select trim_scale(coalesce(sum(v.cost_usd), 0))::text from vendors v),
      'cost_complete', (select coalesce(bool_and(v.cost_complete), true) from vendors v),
      'tokens_input', (select coalesce(sum(v.tokens_input), 0)::bigint from vendors v),
      'tokens_output', (select coalesce(sum(v.tokens_output), 0)::bigint from vendors v)
    )
    from runs r
  ),
  'metrics', (select coalesce(json_object_agg(m.name, m.value), '{}') from metrics m),
  'vendors', (
    select coalesce(
      json_agg(
        json_build_object(
          'vendor', v.vendor, 'calls', v.calls, 'errors', v.errors, 'rate_limit_hits', v.rate_limit_hits, 'quota_runs', v.quota_runs,
          'tokens_input', v.tokens_input, 'tokens_output', v.tokens_output, 'cost_usd', trim_scale(v.cost_usd)::text,
          'cost_complete', v.cost_complete
        )
        order by v.cost_usd desc, v.vendor
      ),
      '[]'
    )
    from vendors v
  ),
  'qa', (
    select json_build_object(
      'reviewed', count(*) filter (where q.result <> 'needs_review'),
      'passed', count(*) filter (where q.result = 'pass')
    )
    from public.qa_samples q
    join runs r on r.run_id = q.run_id
    where q.tenant_id = $1
  )
) as line
from runledger.tenants t
where t.tenant_id = $1;
