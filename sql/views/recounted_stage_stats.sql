-- What run_stage_stats must hold, counted again from the events. Audit compares with it and rebuild writes it; the write path never
-- reads it. A condition on (tenant_id, run_id) reaches both scans of the events. The register of the stage's state has its own scan
-- because stage rows are few, and an ordered aggregate beside the sums would make PostgreSQL sort every event.
create or replace view runledger.recounted_stage_stats with (security_invoker = true) as
select
  s.tenant_id,
  s.run_id,
  s.stage,
  s.count_total,
  s.count_success,
  s.count_error,
  s.cost_usd,
  s.tokens_input,
  s.tokens_output,
  case when r.seq = 0 then 'running' else r.status end as status,
  s.started_at,
  s.ended_at,
  s.duration_ms,
  s.retry_count,
  s.fallback_count,
  coalesce(r.ts, '-infinity'::timestamptz) as state_at,
  coalesce(r.seq, -1)::smallint as state_is_end,
  coalesce(r.span_id, '') as state_span_id
from (
  select
    e.tenant_id,
    e.run_id,
    e.stage,
    sum(e.units_total)::bigint as count_total,
    sum(e.units_success)::bigint as count_success,
    sum(e.units_error)::bigint as count_error,
    coalesce(sum(e.cost_usd), 0) as cost_usd,
    sum(e.tokens_input)::bigint as tokens_input,
    sum(e.tokens_output)::bigint as tokens_output,
    min(e.ts) filter (where e.kind = 'stage' and e.seq = 0) as started_at,
    max(e.ts) filter (where e.kind = 'stage' and e.seq = 1) as ended_at,
    coalesce(sum(e.duration_ms) filter (where e.kind = 'stage' and e.seq = 1), 0)::bigint as duration_ms,
    count(*) filter (where e.kind = 'event' and e.event = 'retry') as retry_count,
    count(*) filter (where e.kind = 'event' and e.event = 'fallback') as fallback_count
  from public.run_event_logs e
  where (e.kind in ('stage', 'item', 'vendor_call') or (e.kind = 'event' and e.event in ('retry', 'fallback')))
    and e.stage <> '_run'
  group by e.tenant_id, e.run_id, e.stage
) s
left join (
  select distinct on (e.tenant_id, e.run_id, e.stage) e.tenant_id, e.run_id, e.stage, e.ts, e.seq, e.span_id, e.status
  from public.run_event_logs e
  where e.kind = 'stage' and e.seq in (0, 1) and e.stage <> '_run'
  order by e.tenant_id, e.run_id, e.stage, e.ts desc, e.seq desc, e.span_id desc
) r on r.tenant_id = s.tenant_id and r.run_id = s.run_id and r.stage = s.stage;

comment on view runledger.recounted_stage_stats is 'run_stage_stats without its percentiles, counted again from the events';
revoke all on runledger.recounted_stage_stats from public;
grant select on runledger.recounted_stage_stats to runledger_owner, runledger_operator;
