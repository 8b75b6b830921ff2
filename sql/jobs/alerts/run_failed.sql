-- Runs that ended as failed. An abandoned one is told by run_stuck; it is no success either, so a failure before it stands.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
select l.tenant_id, l.environment, l.pipeline, '' as subject,
  case l.status when 'failed' then 'bad' else 'hold' end as verdict,
  $3::text as severity,
  l.run_id,
  jsonb_build_object(
    'value', l.status,
    'minutes', round(extract(epoch from l.ended_at - l.started_at) / 60, 1),
    'stages_in_error', e.stages,
    'units_in_error', e.units
  ) as numbers
from runledger.latest_runs($1::timestamptz) l
cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline)) as p (enabled boolean)
left join lateral (
  select string_agg(s.stage, ', ' order by s.started_at, s.stage) filter (where s.status = 'error') as stages, sum(s.count_error) as units
  from public.run_stage_stats s
  where s.run_id = l.run_id and s.tenant_id = l.tenant_id
) e on true
where p.enabled and l.status <> 'succeeded'
order by l.tenant_id, l.environment, l.pipeline
