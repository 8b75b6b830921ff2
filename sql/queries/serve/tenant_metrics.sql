-- What Prometheus is told about tenants: one JSON row with `lines` (a tenant, pipeline and environment each, with its latest run that ended),
-- `vendors` of those runs, open `alerts`, and how much was left out so that the number of series stays bounded.
-- $1 tenant_id or null, $2 now, $3 days within which a pipeline must have had a run, $4 tenants, $5 lines of a tenant, $6 vendors of a tenant.
--
-- The runs are those that alert rules look at: excluded ones, ones without a start, those of disabled tenants and cancelled ones say nothing.
with runs as (
  select
    r.tenant_id,
    coalesce(r.pipeline, '') as pipeline,
    coalesce(r.environment, '') as environment,
    r.run_id,
    r.status,
    r.started_at,
    -- When it was over; where the sender's clock is ahead, when we heard of it last.
    least(coalesce(r.ended_at, r.last_event_at, r.started_at), r.last_received_at) as over_at
  from public.enrichment_runs r
  where ($1::int is null or r.tenant_id = $1)
    and r.excluded is not true
    and r.started_at is not null
    and not exists (select from runledger.tenants t where t.tenant_id = r.tenant_id and t.status = 'disabled')
), lines as (
  select
    tenant_id,
    pipeline,
    environment,
    max(started_at) as last_started_at,
    count(*) filter (where status = 'running') as running,
    max(over_at) filter (where status = 'succeeded') as succeeded_at,
    (array_agg(run_id order by started_at desc, run_id desc) filter (where status in ('succeeded', 'failed', 'abandoned')))[1] as run_id
  from runs
  group by tenant_id, pipeline, environment
  having max(started_at) > $2::timestamptz - $3::int * interval '1 day'
), alerts as (
  select a.tenant_id, a.code, a.severity, a.state, count(*) as alerts, max(a.fired_at) as fired_at
  from runledger.alerts a
  where a.state <> 'resolved'
    and ($1::int is null or a.tenant_id = $1)
    and not exists (select from runledger.tenants t where t.tenant_id = a.tenant_id and t.status = 'disabled')
  group by a.tenant_id, a.code, a.severity, a.state
), tenants as (
  -- Tenant 0 is the installation itself and takes nobody's place.
  select n.tenant_id, row_number() over (order by n.tenant_id <> 0, n.newest_at desc, n.tenant_id) - n.has_installation as place
  from (
    select
      s.tenant_id,
      max(s.at) as newest_at,
      max(case when s.tenant_id = 0 then 1 else 0 end) over () as has_installation
    from (
      select tenant_id, last_started_at from lines
      union all
      select tenant_id, fired_at from alerts
    ) s (tenant_id, at)
    group by s.tenant_id
  ) n
), kept_tenants as (
  select k.tenant_id, case when k.tenant_id = 0 then '_installation' else coalesce(t.name, k.tenant_id::text) end as tenant
  from tenants k
  left join runledger.tenants t on t.tenant_id = k.tenant_id
  where k.place <= $4::int
), ranked_lines as (
  select
    l.*,
    k.tenant,
    row_number() over (partition by l.tenant_id order by l.last_started_at desc, l.pipeline, l.environment) as place
  from lines l
  join kept_tenants k on k.tenant_id = l.tenant_id
), kept_lines as (
  select * from ranked_lines where place <= $5::int
), ranked_vendors as (
  select
    l.tenant_id,
    l.tenant,
    l.pipeline,
    l.environment,
    v.*,
    row_number() over (
      partition by l.tenant_id order by v.vendor = '_other', v.cost_usd desc, v.calls desc, v.vendor, l.pipeline, l.environment
    ) <= $6::int and v.vendor <> '_other' as is_kept
  from kept_lines l
  cross join lateral (
    select u.vendor, u.calls, u.errors, u.rate_limit_hits, u.quota_exhausted, u.cost_usd
    from public.run_vendor_usage u
    where u.tenant_id = l.tenant_id and u.run_id = l.run_id
  ) v
), kept_vendors as (
  select
    tenant,
    pipeline,
    environment,
    case when is_kept then vendor else '_other' end as vendor,
    sum(calls)::bigint as calls,
    sum(errors)::bigint as errors,
    sum(rate_limit_hits)::bigint as rate_limit_hits,
    bool_or(quota_exhausted)::int as quota_exhausted,
    sum(cost_usd)::double precision as cost_usd
  from ranked_vendors
  group by 1, 2, 3, 4
), line_values as (
  select
    l.tenant,
    l.pipeline,
    l.environment,
    l.running,
    extract(epoch from l.succeeded_at)::double precision as last_success_seconds,
    ended.*
  from kept_lines l
  left join lateral (
    select
      (r.status = 'succeeded')::int as success,
      r.degraded::int as degraded,
      extract(epoch from case when r.ended_at >= r.started_at then r.ended_at - r.started_at end)::double precision as duration_seconds,
      extract(epoch from least(coalesce(r.ended_at, r.last_event_at, r.started_at), r.last_received_at))::double precision
        as last_end_seconds,
      stages.items,
      stages.errors,
      vendors.cost_usd,
      vendors.cost_complete
    from public.enrichment_runs r
    cross join lateral (
      select coalesce(max(s.count_total), 0) as items, coalesce(sum(s.count_error), 0)::bigint as errors
      from public.run_stage_stats s
      where s.tenant_id = r.tenant_id and s.run_id = r.run_id
    ) stages
    cross join lateral (
      select
        coalesce(sum(v.cost_usd), 0)::double precision as cost_usd,
        coalesce(bool_and(v.unpriced_calls = 0 and v.unpriced_tokens = 0), true)::int as cost_complete
      from public.run_vendor_usage v
      where v.tenant_id = r.tenant_id and v.run_id = r.run_id
    ) vendors
    where r.tenant_id = l.tenant_id and r.run_id = l.run_id
  ) ended on true
)
select json_build_object(
  'lines', (select coalesce(json_agg(v order by v.tenant, v.pipeline, v.environment), '[]') from line_values v),
  'vendors', (select coalesce(json_agg(v order by v.tenant, v.pipeline, v.environment, v.vendor), '[]') from kept_vendors v),
  'alerts', (
    select coalesce(json_agg(
      json_build_object('tenant', k.tenant, 'code', a.code, 'severity', a.severity, 'state', a.state, 'alerts', a.alerts)
      order by k.tenant, a.code, a.severity, a.state
    ), '[]')
    from alerts a
    join kept_tenants k on k.tenant_id = a.tenant_id
  ),
  'tenants_left_out', (select count(*) from tenants where place > $4),
  'pipelines_left_out', (select count(*) from ranked_lines where place > $5),
  'vendors_left_out', (select count(*) from ranked_vendors where not is_kept)
) as line;
