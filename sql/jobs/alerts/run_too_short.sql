-- The latest run that succeeded took less than its schedule allows or, where that says nothing, less than a share of the median of the runs
-- before. Without enough of those, or without a length of its own (no end, or an end before its start), nothing can be said.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with measured as (
  select
    l.*, s.minimum_seconds, b.runs, b.median_seconds, p.share_of_median, p.minimum_runs,
    extract(epoch from l.ended_at - l.started_at) as seconds
  from runledger.latest_runs($1::timestamptz, statuses => '{succeeded}') l
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
    as p (enabled boolean, share_of_median numeric, runs int, minimum_runs int)
  left join runledger.schedules s
    on s.tenant_id = l.tenant_id and s.pipeline = l.pipeline and s.environment = l.environment and s.enabled
  left join lateral (
    select count(*) as runs, (percentile_cont(0.5) within group (order by h.seconds))::numeric as median_seconds
    from (
      select extract(epoch from h.ended_at - h.started_at)::double precision as seconds
      from runledger.watched_runs h
      where h.tenant_id = l.tenant_id and h.environment = l.environment and h.pipeline = l.pipeline
        and h.status = 'succeeded' and h.ended_at >= h.started_at and h.over_at <= $1::timestamptz
        and (h.started_at, h.run_id) < (l.started_at, l.run_id)
      order by h.started_at desc, h.run_id desc
      limit p.runs
    ) h
  ) b on true
  where p.enabled
),
limited as (
  select m.*, coalesce(m.minimum_seconds, case when m.runs >= m.minimum_runs then m.share_of_median * m.median_seconds end) as limit_seconds
  from measured m
)
select m.tenant_id, m.environment, m.pipeline, '' as subject,
  case when m.seconds >= 0 and m.limit_seconds is not null then 'bad' else 'hold' end as verdict,
  $3::text as severity,
  m.run_id,
  jsonb_build_object(
    'value', round(m.seconds, 1),
    'limit', round(m.limit_seconds, 1),
    'median_seconds', round(m.median_seconds, 1),
    'runs', m.runs
  ) as numbers
from limited m
where m.seconds < m.limit_seconds or m.seconds < 0 or m.seconds is null or m.limit_seconds is null
order by m.tenant_id, m.environment, m.pipeline
