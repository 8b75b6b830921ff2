-- Stages whose p95 in the latest run that succeeded is far above what it was in the succeeded runs before: above their median plus the
-- largest of some spreads (1.4826 times the median deviation, which is a standard deviation where values are normal), a share of the median,
-- and a number of milliseconds. Only durations of the same class are compared. Too few samples or runs, or a stage that is not there this
-- time, say nothing.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with looked_at as (
  select l.tenant_id, l.environment, l.pipeline, l.run_id, l.started_at, p.*
  from runledger.latest_runs($1::timestamptz, statuses => '{succeeded}') l
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
    as p (enabled boolean, runs int, minimum_runs int, spreads numeric, minimum_increase_share numeric, minimum_increase_ms numeric,
      minimum_samples bigint)
  where p.enabled
),
past as (
  select l.tenant_id, l.run_id, s.stage, s.duration_class, array_agg(s.p95_ms::double precision) as p95s
  from looked_at l
  cross join lateral (
    select h.run_id
    from runledger.watched_runs h
    where h.tenant_id = l.tenant_id and h.environment = l.environment and h.pipeline = l.pipeline
      and h.is_judged and h.status = 'succeeded' and h.over_at <= $1::timestamptz and (h.started_at, h.run_id) < (l.started_at, l.run_id)
    order by h.started_at desc, h.run_id desc
    limit l.runs
  ) h
  join public.run_stage_stats s on s.run_id = h.run_id and s.tenant_id = l.tenant_id
  where s.duration_class is not null and s.duration_samples >= l.minimum_samples
  group by l.tenant_id, l.run_id, s.stage, s.duration_class
),
usual as (
  select p.tenant_id, p.run_id, p.stage, p.duration_class, cardinality(p.p95s) as runs, m.median::numeric, d.spread::numeric
  from past p
  cross join lateral (select percentile_cont(0.5) within group (order by v) as median from unnest(p.p95s) as u (v)) m
  cross join lateral (
    select 1.4826 * percentile_cont(0.5) within group (order by abs(u.v - m.median)) as spread from unnest(p.p95s) as u (v)
  ) d
),
shown as (
  select l.tenant_id, l.run_id, s.stage, s.duration_class, s.p95_ms, s.duration_samples
  from looked_at l
  join public.run_stage_stats s on s.run_id = l.run_id and s.tenant_id = l.tenant_id
  where s.duration_class is not null
),
measured as (
  select l.*, k.stage, k.p95_ms, k.duration_samples, k.runs_before, k.median, k.spread,
    k.median + greatest(l.spreads * k.spread, l.minimum_increase_share * k.median, l.minimum_increase_ms) as limit_ms,
    coalesce(k.duration_samples >= l.minimum_samples and k.runs_before >= l.minimum_runs, false) as is_comparable
  from (
    select tenant_id, run_id, stage, s.p95_ms, s.duration_samples, b.runs as runs_before, b.median, b.spread
    from shown s
    full join usual b using (tenant_id, run_id, stage, duration_class)
  ) k
  join looked_at l using (tenant_id, run_id)
)
select m.tenant_id, m.environment, m.pipeline, m.stage as subject,
  case when m.is_comparable then 'bad' else 'hold' end as verdict,
  $3::text as severity,
  m.run_id,
  jsonb_build_object(
    'value', m.p95_ms,
    'limit', round(m.limit_ms),
    'median', round(m.median),
    'spread', round(m.spread),
    'runs', m.runs_before,
    'samples', m.duration_samples
  ) as numbers
from measured m
where not m.is_comparable or m.p95_ms > m.limit_ms
order by m.tenant_id, m.environment, m.pipeline, m.stage
