-- Removes some bindings made before $1 timestamptz, at most $2 int, when the run they lead to has no event since: the events of their traces
-- are gone or too old to be taken.
delete from runledger.trace_bindings b
where (b.tenant_id, b.trace_id) in (
  select o.tenant_id, o.trace_id
  from runledger.trace_bindings o
  where o.bound_at < $1::timestamptz
    and not exists (
      select 1
      from public.enrichment_runs r
      where r.tenant_id = o.run_tenant_id and r.run_id = o.run_id and r.last_event_at >= $1::timestamptz
    )
  limit $2::int
)
