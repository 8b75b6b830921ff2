-- What the event times and the completeness numbers of enrichment_runs must be, counted again from the events. Runs without any event
-- have no row here. Audit compares with it and rebuild writes it.
create or replace view runledger.recounted_runs with (security_invoker = true) as
select
  e.tenant_id,
  e.run_id,
  min(e.ts) as first_event_at,
  max(e.ts) as last_event_at,
  count(*) filter (where e.kind = 'run' and e.seq = 1 and e.metrics ? 'sent') as sent_statements,
  coalesce(sum((e.metrics #>> '{sent,stages}')::bigint) filter (where e.kind = 'run' and e.seq = 1), 0)::bigint as sent_stages,
  coalesce(sum((e.metrics #>> '{sent,items}')::bigint) filter (where e.kind = 'run' and e.seq = 1), 0)::bigint as sent_items,
  coalesce(sum((e.metrics #>> '{sent,vendor_calls}')::bigint) filter (where e.kind = 'run' and e.seq = 1), 0)::bigint
    as sent_vendor_calls,
  coalesce(sum((e.metrics #>> '{sent,dropped}')::bigint) filter (where e.kind = 'run' and e.seq = 1), 0)::bigint as sent_dropped,
  count(*) filter (where e.kind = 'stage' and e.seq = 1) as stored_stages,
  count(*) filter (where e.kind = 'item' and e.seq = 1) as stored_items,
  count(*) filter (where e.kind = 'vendor_call' and e.seq = 1) as stored_vendor_calls
from public.run_event_logs e
group by e.tenant_id, e.run_id;

comment on view runledger.recounted_runs is 'Event times and completeness numbers of enrichment_runs, counted again from the events';
revoke all on runledger.recounted_runs from public;
grant select on runledger.recounted_runs to runledger_owner, runledger_operator;
