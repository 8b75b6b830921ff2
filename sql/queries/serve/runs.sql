-- One page of runs, newest first, with what each came to. The key after started_at is (run_id, tenant_id), because a run id names a run
-- only within its tenant.
-- $1 tenant_id or null, $2 pipeline, $3 status, $4 from (inclusive), $5 to (exclusive), $6..$8 key of the last run seen, $9 limit,
-- $10 environment, $11 beginning of the run key or id, $12 whether it has open alerts, $13 tenant_ids and $14 run_ids of the only runs
-- that are asked for. Null: not filtered.
-- Gives one JSON object a row: JSON carries microseconds, money as text and ids as numbers whatever the driver's type parsers do.
with page as (
  select
    coalesce(r.started_at, r.first_event_at, '-infinity') as sorted_at,
    r.run_id,
    r.tenant_id,
    t.name as tenant_name,
    r.run_key,
    r.pipeline,
    r.environment,
    r.pipeline_version,
    r.status,
    r.degraded,
    r.complete,
    r.excluded,
    r.note,
    r.started_at,
    r.ended_at,
    r.last_event_at,
    r.trace_id,
    r.langsmith_trace_url
  from public.enrichment_runs r
  left join runledger.tenants t on t.tenant_id = r.tenant_id
  where ($1::int is null or r.tenant_id = $1)
    and ($2::text is null or r.pipeline = $2)
    and ($3::text is null or r.status = $3)
    and ($4::timestamptz is null or coalesce(r.started_at, r.first_event_at, '-infinity') >= $4)
    and ($5::timestamptz is null or coalesce(r.started_at, r.first_event_at, '-infinity') < $5)
    and (
      $6::timestamptz is null
      or (coalesce(r.started_at, r.first_event_at, '-infinity'), r.run_id, r.tenant_id) < ($6, $7::bigint, $8::int)
    )
    and ($10::text is null or r.environment = $10)
    and ($11::text is null or starts_with(r.run_key, $11) or starts_with(r.run_id::text, $11))
    and (
      $12::boolean is null
      or $12 = exists (
        select from runledger.alerts a
        where a.tenant_id = r.tenant_id and a.run_id = r.run_id and a.state <> 'resolved'
      )
    )
    and ($13::int[] is null or (r.tenant_id, r.run_id) in (select * from unnest($13, $14::bigint[])))
  order by 1 desc, r.run_id desc, r.tenant_id desc
  limit $9
)
select to_json(line) as line
from (
  select
    page.*,
    round(extract(epoch from page.ended_at - page.started_at) * 1000)::bigint as duration_ms,
    stages.stages,
    stages.stage_errors,
    stages.items,
    delivered.items_delivered,
    trim_scale(vendors.cost_usd)::text as cost_usd,
    vendors.cost_complete,
    alerts.open_alerts,
    usual.usual_duration_ms,
    usual.usual_runs
  from page
  cross join lateral (
    select
      count(*) as stages,
      coalesce(sum(s.count_error), 0)::bigint as stage_errors,
      coalesce(max(s.count_total), 0) as items
    from public.run_stage_stats s
    where s.tenant_id = page.tenant_id and s.run_id = page.run_id
  ) stages
  cross join lateral (
    select
      coalesce(sum(v.cost_usd), 0) as cost_usd,
      coalesce(bool_and(v.unpriced_calls = 0 and v.unpriced_tokens = 0), true) as cost_complete
    from public.run_vendor_usage v
    where v.tenant_id = page.tenant_id and v.run_id = page.run_id
  ) vendors
  cross join lateral (
    select max(m.value) as items_delivered
    from public.run_metrics m
    where m.tenant_id = page.tenant_id and m.run_id = page.run_id and m.name = 'items_delivered'
  ) delivered
  cross join lateral (
    select count(*) as open_alerts
    from runledger.alerts a
    where a.tenant_id = page.tenant_id and a.run_id = page.run_id and a.state <> 'resolved'
  ) alerts
  cross join lateral (
    select
      round(percentile_cont(0.5) within group (order by earlier.seconds)::numeric * 1000)::bigint as usual_duration_ms,
      count(*) as usual_runs
    from (
      select extract(epoch from u.ended_at - u.started_at)::double precision as seconds
      from public.enrichment_runs u
      where u.tenant_id = page.tenant_id
        and u.pipeline is not distinct from page.pipeline
        and u.environment is not distinct from page.environment
        and u.started_at < page.started_at
        and u.status = 'succeeded'
        and u.ended_at >= u.started_at
        and not u.excluded
      order by u.started_at desc
      limit 10
    ) earlier
  ) usual
) line
order by line.sorted_at desc, line.run_id desc, line.tenant_id desc;
