-- Gives a run that only its events or counters know a row again, as the write path would for a run known through its children: running,
-- with the key it was given. $1 tenant_id int, $2 run_id bigint. Nothing happens where the row is there.
insert into public.enrichment_runs (tenant_id, run_id, run_key, status)
select $1::int, $2::bigint, (select k.run_key from runledger.run_keys k where k.tenant_id = $1 and k.run_id = $2), 'running'
on conflict do nothing
returning run_id
