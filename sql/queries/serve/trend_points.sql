-- What runs came to, oldest first: one row a run, or a UTC day. $1 tenant_id or null, $2 pipeline, $3 environment, $4 from, $5 to, $6 by: run or day,
-- $7 points at most (the newest stay).
with runs as materialized (
  select
    r.tenant_id,
    r.run_id,
    r.run_key,
    r.pipeline,
    r.environment,
    r.status,
    r.degraded,
    r.started_at,
    r.ended_at,
    case when $6::text = 'day' then date_trunc('day', r.started_at, 'UTC') else r.started_at end as at,
    case when $6 = 'run' then r.run_id end as point_run_id,
    case when $6 = 'run' then r.tenant_id end as point_tenant_id
  from public.enrichment_runs r
  where ($1::int is null or r.tenant_id = $1)
    and ($2::text is null or r.pipeline = $2)
    and ($3::text is null or r.environment = $3)
    and r.started_at >= $4::timestamptz
    and r.started_at < $5::timestamptz
    and not r.excluded
  order by r.started_at desc, r.tenant_id desc, r.run_id desc
  limit case when $6 = 'run' then $7::int end
), per_run as (
  select
    r.*,
    s.units,
    s.unit_errors,
    v.cost_usd,
    v.cost_complete,
    v.tokens_input,
    v.tokens_output,
    q.reviewed,
    q.passed,
    m.*
  from runs r
  cross join lateral (
    select coalesce(sum(s.count_total), 0) as units, coalesce(sum(s.count_error), 0) as unit_errors
    from public.run_stage_stats s
    where s.tenant_id = r.tenant_id and s.run_id = r.run_id
  ) s
  cross join lateral (
    select
      coalesce(sum(v.cost_usd), 0) as cost_usd,
      coalesce(bool_and(v.unpriced_calls = 0 and v.unpriced_tokens = 0), true) as cost_complete,
      coalesce(sum(v.tokens_input), 0) as tokens_input,
      coalesce(sum(v.tokens_output), 0) as tokens_output
    from public.run_vendor_usage v
    where v.tenant_id = r.tenant_id and v.run_id = r.run_id
  ) v
  cross join lateral (
    select count(*) filter (where q.result <> 'needs_review') as reviewed, count(*) filter (where q.result = 'pass') as passed
    from public.qa_samples q
    where q.tenant_id = r.tenant_id and q.run_id = r.run_id
  ) q
  cross join lateral (
    select
      max(m.value) filter (where m.name = 'candidates_considered') as candidates_considered,
      max(m.value) filter (where m.name = 'candidates_selected') as candidates_selected,
      max(m.value) filter (where m.name = 'items_delivered') as items_delivered,
      max(m.value) filter (where m.name = 'emails_found') as emails_found,
      max(m.value) filter (where m.name = 'emails_verified') as emails_verified,
      max(m.value) filter (where m.name = 'bucket_high') as bucket_high,
      max(m.value) filter (where m.name = 'bucket_medium') as bucket_medium,
      max(m.value) filter (where m.name = 'bucket_low') as bucket_low
    from public.run_metrics m
    where m.tenant_id = r.tenant_id and m.run_id = r.run_id
  ) m
), points as (
  select
    p.at,
    p.point_tenant_id,
    p.point_run_id,
    case when $6 = 'run' then
      (array_agg(json_build_object(
        'run_id', p.run_id, 'tenant_id', p.tenant_id, 'run_key', p.run_key, 'pipeline', p.pipeline, 'environment', p.environment,
        'status', p.status, 'degraded', p.degraded, 'started_at', p.started_at, 'ended_at', p.ended_at
      )))[1]
    end as run,
    round(percentile_cont(0.5) within group (
      order by greatest(extract(epoch from p.ended_at - p.started_at), 0)::double precision
    )::numeric * 1000)::bigint as duration_ms,
    count(*) as runs,
    count(*) filter (where p.status = 'running') as running,
    count(*) filter (where p.status = 'succeeded') as succeeded,
    count(*) filter (where p.status = 'failed') as failed,
    count(*) filter (where p.status = 'cancelled') as cancelled,
    count(*) filter (where p.status = 'abandoned') as abandoned,
    sum(p.units)::bigint as units,
    sum(p.unit_errors)::bigint as unit_errors,
    trim_scale(sum(p.cost_usd))::text as cost_usd,
    bool_and(p.cost_complete) as cost_complete,
    sum(p.tokens_input)::bigint as tokens_input,
    sum(p.tokens_output)::bigint as tokens_output,
    sum(p.reviewed)::bigint as qa_reviewed,
    sum(p.passed)::bigint as qa_passed,
    json_build_object(
      'candidates_considered', sum(p.candidates_considered),
      'candidates_selected', sum(p.candidates_selected),
      'items_delivered', sum(p.items_delivered),
      'emails_found', sum(p.emails_found),
      'emails_verified', sum(p.emails_verified),
      'bucket_high', sum(p.bucket_high),
      'bucket_medium', sum(p.bucket_medium),
      'bucket_low', sum(p.bucket_low)
    ) as metrics
  from per_run p
  group by p.at, p.point_tenant_id, p.point_run_id
)
select to_json(n) as line
from (select * from points p order by p.at desc, p.point_tenant_id desc, p.point_run_id desc limit $7::int) n
order by n.at, n.point_tenant_id, n.point_run_id;
