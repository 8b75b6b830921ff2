-- The share of passed reviews among those of the last runs. Rows that nobody reviewed do not count; too few reviews say nothing.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with measured as (
  select l.*, p.minimum, p.minimum_reviewed, q.passed, q.reviewed
  from runledger.latest_runs($1::timestamptz) l
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
    as p (enabled boolean, minimum numeric, minimum_reviewed bigint, runs int)
  cross join lateral (
    select count(*) filter (where q.result = 'pass') as passed, count(*) filter (where q.result in ('pass', 'fail')) as reviewed
    from (
      select h.run_id
      from runledger.watched_runs h
      where h.tenant_id = l.tenant_id and h.environment = l.environment and h.pipeline = l.pipeline
        and h.is_judged and h.over_at <= $1::timestamptz and (h.started_at, h.run_id) <= (l.started_at, l.run_id)
      order by h.started_at desc, h.run_id desc
      limit p.runs
    ) h
    join public.qa_samples q on q.run_id = h.run_id and q.tenant_id = l.tenant_id
    where q.reviewed_at is null or q.reviewed_at <= $1::timestamptz
  ) q
  where p.enabled
)
select m.tenant_id, m.environment, m.pipeline, '' as subject,
  case when m.reviewed < m.minimum_reviewed then 'hold' else 'bad' end as verdict,
  $3::text as severity,
  m.run_id,
  jsonb_build_object(
    'value', round(m.passed::numeric / nullif(m.reviewed, 0), 4),
    'limit', m.minimum,
    'passed', m.passed,
    'reviewed', m.reviewed
  ) as numbers
from measured m
where m.reviewed < m.minimum_reviewed or m.passed < m.minimum * m.reviewed
order by m.tenant_id, m.environment, m.pipeline
