-- What the signals among its events say of a run whose row was lost: its state, when it began and ended, and what people did with it.
-- $1 tenant_id int, $2 run_id bigint. The pipeline's name and its like are not in events and stay unknown until the run says them again.
with signals as (
  select
    e.ts,
    e.span_id,
    e.seq,
    case when e.seq = 0 then 'running' when e.status = 'error' then 'failed' when e.status = 'skip' then 'cancelled' else 'succeeded' end as state,
    case when e.seq = 0 then 0 when e.status = 'error' then 3 when e.status = 'skip' then 2 else 1 end as rank
  from public.run_event_logs e
  where e.tenant_id = $1::int and e.run_id = $2::bigint and e.kind = 'run' and e.seq in (0, 1)
), last as (
  select s.* from signals s order by s.ts desc, s.rank desc, s.span_id desc limit 1
)
update public.enrichment_runs r
set
  state = coalesce(l.state, r.state),
  status = coalesce(l.state, r.status),
  state_at = coalesce(l.ts, r.state_at),
  state_rank = coalesce(l.rank, r.state_rank),
  state_span_id = coalesce(l.span_id, r.state_span_id),
  ended_at = case when l.rank > 0 then l.ts end,
  run_started_at = f.began_at,
  started_at = coalesce(f.began_at, r.started_at),
  excluded = coalesce(a.act = 'run_exclude', false),
  note = n.note
from (select min(s.ts) as began_at from signals s where s.seq = 0) f
left join last l on true
left join lateral (
  select c.act
  from runledger.acts c
  where c.tenant_id = $1 and c.object = 'run ' || $2 and c.act in ('run_exclude', 'run_include')
  order by c.at desc, c.act_id desc
  limit 1
) a on true
left join lateral (
  select c.details ->> 'note' as note
  from runledger.acts c
  where c.tenant_id = $1 and c.object = 'run ' || $2 and c.act = 'run_note'
  order by c.at desc, c.act_id desc
  limit 1
) n on true
where r.tenant_id = $1 and r.run_id = $2
