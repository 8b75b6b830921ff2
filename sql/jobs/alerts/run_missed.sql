-- Schedules whose newest due time is over, grace included, and that no run answered. It is over when a run answers it late, or the next one in
-- time. Which run answers which due time is noted in runledger.expected_runs; a run that began after as_of had not answered yet.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
select s.tenant_id, s.environment, s.pipeline, '' as subject,
  'bad' as verdict,
  $3::text as severity,
  null::bigint as run_id,
  jsonb_build_object(
    'value', m.missed,
    'due_at', to_char(k.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'start_by', to_char(k.start_by at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  ) as numbers
from runledger.schedules s
cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, s.tenant_id, s.pipeline)) as p (enabled boolean)
cross join lateral (
  select e.due_at, e.start_by, e.run_id is not null and coalesce(r.started_at <= $1::timestamptz, true) as is_answered
  from runledger.expected_runs e
  left join public.enrichment_runs r on r.tenant_id = e.tenant_id and r.run_id = e.run_id
  where e.tenant_id = s.tenant_id and e.pipeline = s.pipeline and e.environment = s.environment
    -- A run may answer a due time a little before it.
    and e.due_at <= $1::timestamptz + interval '1 hour'
    and (e.start_by < $1::timestamptz or (e.run_id is not null and coalesce(r.started_at <= $1::timestamptz, true)))
  order by e.due_at desc
  limit 1
) k
cross join lateral (
  select count(*) as missed
  from runledger.expected_runs e
  where e.tenant_id = s.tenant_id and e.pipeline = s.pipeline and e.environment = s.environment
    and e.due_at <= k.due_at
    and e.due_at > coalesce((
      select max(a.due_at)
      from runledger.expected_runs a
      join public.enrichment_runs r on r.tenant_id = a.tenant_id and r.run_id = a.run_id and r.started_at <= $1::timestamptz
      where a.tenant_id = s.tenant_id and a.pipeline = s.pipeline and a.environment = s.environment and a.due_at <= k.due_at
    ), '-infinity')
) m
where p.enabled
  and s.enabled
  and not k.is_answered
  and not exists (select from runledger.tenants t where t.tenant_id = s.tenant_id and t.status = 'disabled')
order by s.tenant_id, s.environment, s.pipeline
