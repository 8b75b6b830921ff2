-- Run as runledger_owner. When the clock of the jobs last ticked, and jobs that have failed for good or are about to. Seconds.
select
  (select extract(epoch from now() - max(last_execution))::int from graphile_worker._private_known_crontabs) as last_tick_seconds,
  (select extract(epoch from now() - min(known_since))::int from graphile_worker._private_known_crontabs) as known_seconds,
  (select coalesce(jsonb_agg(distinct t.identifier), '[]')
   from graphile_worker._private_jobs as j
   join graphile_worker._private_tasks as t on t.id = j.task_id
   where j.last_error is not null and j.locked_at is null) as failed
