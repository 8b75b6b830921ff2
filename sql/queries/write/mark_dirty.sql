-- Marks runs as changed since they were derived and says when to derive them. The write path calls it last in its transaction, as
-- runledger_ingest; jobs that change a run's rows call it too.
-- $1 tenant_ids int[], $2 run_ids bigint[], $3 changes bigint[] (rows and run signals stored, > 0), $4 terminal boolean[] (the run's
-- status is no longer running), $5 ended boolean[] (this transaction brought an end of the run itself), $6 now timestamptz.
-- A running run is due 10 s after its first change since it was derived. A terminal one is due 30 s after its end was received and 60 s
-- after its last late row, but no more than 10 minutes after its first change: the wait moves with each late row for nine minutes.
-- The update uses immutable operators only (a difference of two timestamps is one, timestamp plus interval is not), as Citus demands.
insert into runledger.dirty_runs as d (tenant_id, run_id, due_at, first_at, changes)
select
  u.tenant_id,
  u.run_id,
  $6::timestamptz + case
    when not bool_or(u.terminal) then interval '10 seconds'
    when bool_or(u.ended) then interval '30 seconds'
    else interval '60 seconds'
  end,
  $6::timestamptz,
  sum(u.changes)::bigint
from unnest($1::int[], $2::bigint[], $3::bigint[], $4::boolean[], $5::boolean[]) as u (tenant_id, run_id, changes, terminal, ended)
group by u.tenant_id, u.run_id
order by u.tenant_id, u.run_id
on conflict (tenant_id, run_id) do update set
  changes = d.changes + excluded.changes,
  due_at = case
    when excluded.due_at - excluded.first_at <= interval '10 seconds' then least(d.due_at, excluded.due_at)
    when excluded.first_at - d.first_at > interval '9 minutes' then d.due_at
    else greatest(d.due_at, excluded.due_at)
  end
