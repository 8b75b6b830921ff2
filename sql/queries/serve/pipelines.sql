-- Each tenant, pipeline and environment that had a run in the last $2 days, with its newest runs, what fires, and when the next one is due.
-- $1 tenant_id or null, $2 days, $3 runs of the strip, $4 now. Gives one JSON row a line; its last_run is read with queries/serve/runs.
with lines as (
  select
    r.tenant_id,
    r.pipeline,
    r.environment,
    max(r.started_at) as last_started_at
  from public.enrichment_runs r
  where ($1::int is null or r.tenant_id = $1)
    and r.started_at > $4::timestamptz - $2::int * interval '1 day'
  group by r.tenant_id, r.pipeline, r.environment
)
select json_build_object(
  'tenant_id', l.tenant_id,
  'tenant_name', t.name,
  'pipeline', l.pipeline,
  'environment', l.environment,
  'last_run_id', recent.last_run_id,
  'recent', recent.runs,
  'firing', firing.alerts,
  'next_due_at', due.next_due_at
) as line
from lines l
left join runledger.tenants t on t.tenant_id = l.tenant_id
cross join lateral (
  select json_agg(
    json_build_object(
      'run_id', n.run_id,
      'status', n.status,
      'degraded', n.degraded,
      'excluded', n.excluded,
      'started_at', n.started_at,
      'duration_ms', round(extract(epoch from n.ended_at - n.started_at) * 1000)::bigint
    )
    order by n.started_at, n.run_id
  ) as runs,
  (array_agg(n.run_id order by n.started_at desc, n.run_id desc))[1] as last_run_id
  from (
    select *
    from public.enrichment_runs r
    where r.tenant_id = l.tenant_id
      and r.pipeline is not distinct from l.pipeline
      and r.environment is not distinct from l.environment
      and r.started_at is not null
    order by r.started_at desc, r.run_id desc
    limit $3::int
  ) n
) recent
cross join lateral (
  select coalesce(
    json_agg(
      json_build_object('alert_id', a.alert_id, 'code', a.code, 'severity', a.severity, 'subject', a.subject)
      order by a.severity, a.fired_at, a.alert_id
    ),
    '[]'
  ) as alerts
  from runledger.alerts a
  where a.tenant_id = l.tenant_id
    and a.state <> 'resolved'
    and a.pipeline = coalesce(l.pipeline, '')
    and a.environment = coalesce(l.environment, '')
) firing
cross join lateral (
  select min(e.due_at) as next_due_at
  from runledger.expected_runs e
  where e.tenant_id = l.tenant_id
    and e.pipeline = coalesce(l.pipeline, '')
    and e.environment = coalesce(l.environment, '')
    and e.due_at > $4
) due
order by l.last_started_at desc, l.tenant_id, l.pipeline, l.environment
limit 1000;
