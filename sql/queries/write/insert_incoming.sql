-- Moves what is not there yet, in key order, and returns the keys of what was inserted.
insert into public.run_event_logs
select * from pg_temp.incoming
order by tenant_id, run_id, ts, span_id, seq
on conflict (tenant_id, run_id, ts, span_id, seq) do nothing
returning tenant_id, run_id, (extract(epoch from ts) * 1000000)::bigint as ts_us, span_id, seq
