-- Every value of run_stage_stats that differs from what its run's events say; a row that is missing or one too many also
-- differs as '(row)'.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 floor timestamptz: runs whose first event is older are left
-- out, because their events are gone. $4 limit int. total counts all differing values, whatever the limit.
select
  coalesce(c.tenant_id, s.tenant_id) as tenant_id,
  coalesce(c.run_id, s.run_id) as run_id,
  'run_stage_stats' as what,
  coalesce(c.stage, s.stage) as name,
  v.column_name as "column",
  v.counted,
  v.stored,
  count(*) over () as total
from (
  select w.*
  from runledger.recounted_stage_stats w
  where ($1::int is null or w.tenant_id = $1)
    and ($2::bigint is null or w.run_id = $2)
    and not exists (
      select 1
      from public.enrichment_runs r
      where r.tenant_id = w.tenant_id and r.run_id = w.run_id and r.first_event_at < $3::timestamptz
    )
) c
full join (
  select t.*
  from public.run_stage_stats t
  where ($1::int is null or t.tenant_id = $1)
    and ($2::bigint is null or t.run_id = $2)
    and not exists (
      select 1
      from public.enrichment_runs r
      where r.tenant_id = t.tenant_id and r.run_id = t.run_id and r.first_event_at < $3::timestamptz
    )
) s on s.tenant_id = c.tenant_id and s.run_id = c.run_id and s.stage = c.stage
cross join lateral (
  values
    ('(row)', (c.tenant_id is not null)::text, (s.tenant_id is not null)::text),
    ('count_total', c.count_total::text, s.count_total::text),
    ('count_success', c.count_success::text, s.count_success::text),
    ('count_error', c.count_error::text, s.count_error::text),
    ('cost_usd', trim_scale(c.cost_usd)::text, trim_scale(s.cost_usd)::text),
    ('tokens_input', c.tokens_input::text, s.tokens_input::text),
    ('tokens_output', c.tokens_output::text, s.tokens_output::text),
    ('status', c.status::text, s.status::text),
    ('started_at', c.started_at::text, s.started_at::text),
    ('ended_at', c.ended_at::text, s.ended_at::text),
    ('duration_ms', c.duration_ms::text, s.duration_ms::text),
    ('retry_count', c.retry_count::text, s.retry_count::text),
    ('fallback_count', c.fallback_count::text, s.fallback_count::text),
    ('state_at', c.state_at::text, s.state_at::text),
    ('state_is_end', c.state_is_end::text, s.state_is_end::text),
    ('state_span_id', c.state_span_id::text, s.state_span_id::text)
) as v (column_name, counted, stored)
where v.counted is distinct from v.stored
order by tenant_id, run_id, name, v.column_name
limit $4::int
