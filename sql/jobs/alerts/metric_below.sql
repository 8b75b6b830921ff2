-- A business number of the latest run below its floor. A run without the number says nothing, unless the rule requires it.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
select l.tenant_id, l.environment, l.pipeline, p.metric as subject,
  case when m.value is null and not p.required then 'hold' else 'bad' end as verdict,
  $3::text as severity,
  l.run_id,
  jsonb_build_object('value', trim_scale(round(m.value, 4)), 'limit', p.minimum, 'is_stated', m.value is not null) as numbers
from runledger.latest_runs($1::timestamptz) l
cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
  as p (enabled boolean, metric text, minimum numeric, required boolean)
left join public.run_metrics m on m.run_id = l.run_id and m.tenant_id = l.tenant_id and m.name = p.metric
where p.enabled and (m.value is null or m.value < p.minimum)
order by l.tenant_id, l.environment, l.pipeline
