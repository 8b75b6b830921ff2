-- Run as runledger_operator. What ingest has left over: refusals of today and yesterday, spans that wait for the root of their trace for more than
-- $1 minutes, runs that should have been derived as long ago, runs of the last day that are known to lack spans; and what quotas sent back today.
select
  (select coalesce(jsonb_object_agg(reason, spans), '{}')
   from (select reason, sum(spans) as spans from runledger.refusals where day >= current_date - 1 group by reason) as r) as refused,
  (select coalesce(jsonb_object_agg(quota, jsonb_build_object('requests', requests, 'tenants', tenants)), '{}')
   from (select quota, sum(requests) as requests, count(*) as tenants
         from runledger.quota_holds where day >= current_date group by quota) as h) as held,
  (select count(*)::int
   from (select from runledger.parked_spans where parked_at < now() - make_interval(mins => $1) limit 100000) as p) as parked,
  (select count(*)::int from runledger.dirty_runs where due_at < now() - make_interval(mins => $1)) as overdue,
  (select count(*)::int
   from public.enrichment_runs where complete = false and last_received_at > now() - interval '1 day') as incomplete
