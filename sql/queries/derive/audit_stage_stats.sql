-- Every value of run_stage_stats that differs from what its run's events say; a row that is missing or one too many also
-- differs as '(row)'.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 floor timestamptz: runs whose first event is older are left
-- out, because their events are gone. $4 limit int. total counts all differing values, whatever the limit.
select
  d.tenant_id,
  d.run_id,
  'run_stage_stats' as what,
  d.stage as name,
  v.column_name as "column",
  v.counted,
  v.stored,
  count(*) over () as total
from (
  select
    coalesce(c.tenant_id, s.tenant_id) as tenant_id,
    coalesce(c.run_id, s.run_id) as run_id,
    coalesce(c.stage, s.stage) as stage,
    c.tenant_id is not null as is_counted,
    s.tenant_id is not null as is_stored,
    c.count_total as counted_count_total,
    s.count_total as stored_count_total,
    c.count_success as counted_count_success,
    s.count_success as stored_count_success,
    c.count_error as counted_count_error,
    s.count_error as stored_count_error,
    c.cost_usd as counted_cost_usd,
    s.cost_usd as stored_cost_usd,
    c.tokens_input as counted_tokens_input,
    s.tokens_input as stored_tokens_input,
    c.tokens_output as counted_tokens_output,
    s.tokens_output as stored_tokens_output,
    c.status as counted_status,
    s.status as stored_status,
    c.started_at as counted_started_at,
    s.started_at as stored_started_at,
    c.ended_at as counted_ended_at,
    s.ended_at as stored_ended_at,
    c.duration_ms as counted_duration_ms,
    s.duration_ms as stored_duration_ms,
    c.retry_count as counted_retry_count,
    s.retry_count as stored_retry_count,
    c.fallback_count as counted_fallback_count,
    s.fallback_count as stored_fallback_count,
    c.state_at as counted_state_at,
    s.state_at as stored_state_at,
    c.state_is_end as counted_state_is_end,
    s.state_is_end as stored_state_is_end,
    c.state_span_id as counted_state_span_id,
    s.state_span_id as stored_state_span_id
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
) d
cross join lateral (
  values
    ('(row)', d.is_counted::text, d.is_stored::text),
    ('count_total', d.counted_count_total::text, d.stored_count_total::text),
    ('count_success', d.counted_count_success::text, d.stored_count_success::text),
    ('count_error', d.counted_count_error::text, d.stored_count_error::text),
    ('cost_usd', trim_scale(d.counted_cost_usd)::text, trim_scale(d.stored_cost_usd)::text),
    ('tokens_input', d.counted_tokens_input::text, d.stored_tokens_input::text),
    ('tokens_output', d.counted_tokens_output::text, d.stored_tokens_output::text),
    ('status', d.counted_status::text, d.stored_status::text),
    ('started_at', d.counted_started_at::text, d.stored_started_at::text),
    ('ended_at', d.counted_ended_at::text, d.stored_ended_at::text),
    ('duration_ms', d.counted_duration_ms::text, d.stored_duration_ms::text),
    ('retry_count', d.counted_retry_count::text, d.stored_retry_count::text),
    ('fallback_count', d.counted_fallback_count::text, d.stored_fallback_count::text),
    ('state_at', d.counted_state_at::text, d.stored_state_at::text),
    ('state_is_end', d.counted_state_is_end::text, d.stored_state_is_end::text),
    ('state_span_id', d.counted_state_span_id::text, d.stored_state_span_id::text)
) as v (column_name, counted, stored)
where v.counted is distinct from v.stored
order by d.tenant_id, d.run_id, name, v.column_name
limit $4::int
