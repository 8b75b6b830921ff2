-- The share of a stage's units that failed in the latest run. Too few units, or no such stage, say nothing.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with measured as (
  select
    l.*, p.*, s.count_total, s.count_error,
    coalesce(s.count_total, 0) < p.minimum_units as is_too_small,
    s.count_error::numeric / nullif(s.count_total, 0) as rate
  from runledger.latest_runs($1::timestamptz) l
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
    as p (enabled boolean, stage text, warn_above numeric, page_above numeric, minimum_units bigint)
  left join public.run_stage_stats s on s.run_id = l.run_id and s.tenant_id = l.tenant_id and s.stage = p.stage
  where p.enabled
)
select m.tenant_id, m.environment, m.pipeline, m.stage as subject,
  case when m.is_too_small then 'hold' else 'bad' end as verdict,
  case when m.rate > m.page_above then 'page' else $3::text end as severity,
  m.run_id,
  jsonb_build_object(
    'value', round(m.rate, 4),
    'limit', case when m.rate > m.page_above then m.page_above else m.warn_above end,
    'units_in_error', m.count_error,
    'units', m.count_total
  ) as numbers
from measured m
where m.is_too_small or m.rate > m.warn_above or m.rate > m.page_above
order by m.tenant_id, m.environment, m.pipeline
