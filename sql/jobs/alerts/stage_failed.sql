-- A stage that ended in error, had failed units (count_errors), or is not there. Looked at in the latest run that ended and, where
-- window_minutes is set, in runs that have gone on for longer than that: those can only lack the stage. `usual` is a stage that at least
-- half of the ten runs before had. A run that was abandoned never came to the stage's end; it counts as lacking it after the window alone.
-- A stage that ran, and of which only its items or calls told us, counts as finished.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with looked_at as (
  select l.*, true as is_over from runledger.latest_runs($1::timestamptz) l
  union all
  select r.*, false
  from runledger.watched_runs r
  where r.started_at <= $1::timestamptz and (r.over_at is null or r.over_at > $1::timestamptz)
),
judged as (
  select
    l.*, p.stage, s.count_total, s.count_error, s.status as stage_status, p.count_errors, p.window_minutes,
    coalesce(s.status is distinct from 'running' and (l.is_over or s.ended_at <= $1::timestamptz), false) and s.stage is not null as is_finished,
    l.started_at + p.window_minutes * interval '1 minute' <= $1::timestamptz as is_past_window,
    p.absent = 'always' or (p.absent = 'if_usual' and exists (
      select
      from (
        select h.run_id
        from runledger.watched_runs h
        where h.tenant_id = l.tenant_id and h.environment = l.environment and h.pipeline = l.pipeline
          and h.status in ('succeeded', 'failed') and h.over_at <= $1::timestamptz and (h.started_at, h.run_id) < (l.started_at, l.run_id)
        order by h.started_at desc, h.run_id desc
        limit 10
      ) h
      left join public.run_stage_stats b on b.run_id = h.run_id and b.tenant_id = l.tenant_id and b.stage = p.stage
      having count(b.stage) filter (where b.status is distinct from 'running') * 2 >= count(*) and count(*) > 0
    )) as is_meant_to_be
  from looked_at l
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline))
    as p (enabled boolean, stage text, count_errors boolean, absent text, window_minutes numeric)
  left join lateral (
    select b.stage, b.status, b.count_total, b.count_error, b.ended_at
    from public.run_stage_stats b
    where b.run_id = l.run_id and b.tenant_id = l.tenant_id and b.stage = p.stage
    limit 1
  ) s on true
  where p.enabled and (l.is_over or l.started_at + p.window_minutes * interval '1 minute' <= $1::timestamptz)
),
found as (
  select
    j.*,
    case
      when not j.is_over then case when not j.is_finished and j.is_meant_to_be then 'absent' end
      when j.stage_status = 'error' then 'failed'
      when j.count_errors and j.count_error > 0 then 'errors'
      when j.is_finished then null
      when j.is_meant_to_be and (j.status <> 'abandoned' or j.is_past_window) then 'absent'
      else 'unknown'
    end as what
  from judged j
)
select distinct on (f.tenant_id, f.environment, f.pipeline, f.stage)
  f.tenant_id, f.environment, f.pipeline, f.stage as subject,
  case f.what when 'unknown' then 'hold' else 'bad' end as verdict,
  $3::text as severity,
  f.run_id,
  jsonb_build_object(
    'value', f.what,
    'units_in_error', f.count_error,
    'units', f.count_total,
    'run_is_over', f.is_over
  ) || case when f.is_over then '{}'::jsonb else jsonb_build_object('window_minutes', f.window_minutes) end as numbers
from found f
where f.what is not null
order by f.tenant_id, f.environment, f.pipeline, f.stage, f.what = 'unknown', f.started_at desc, f.run_id desc
