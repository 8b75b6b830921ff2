-- The runs that a reference names: one for a tenant, perhaps several for an admin who named no tenant.
-- $1 tenant_id or null, $2 run_id or null, $3 run_key or null. An id wins over a key that looks like it.
select to_json(line) as line
from (
  select
    r.run_id,
    r.tenant_id,
    t.name as tenant_name,
    r.run_key,
    r.pipeline,
    r.environment,
    r.pipeline_version,
    r.status,
    r.degraded,
    r.complete,
    r.excluded,
    r.note,
    r.started_at,
    r.ended_at,
    round(extract(epoch from r.ended_at - r.started_at) * 1000)::bigint as duration_ms,
    r.first_event_at,
    r.last_event_at,
    r.last_received_at,
    r.derived_at,
    r.trace_id,
    r.langsmith_trace_url,
    case when r.sent_statements > 0 then
      json_build_object(
        'stages', r.sent_stages,
        'items', r.sent_items,
        'vendor_calls', r.sent_vendor_calls,
        'dropped', r.sent_dropped
      )
    end as sent,
    json_build_object('stages', r.stored_stages, 'items', r.stored_items, 'vendor_calls', r.stored_vendor_calls) as stored,
    r.resource
  from public.enrichment_runs r
  left join runledger.tenants t on t.tenant_id = r.tenant_id
  where ($1::int is null or r.tenant_id = $1)
    and (r.run_id = $2::bigint or r.run_key = $3::text)
) line
order by line.run_id is not distinct from $2::bigint desc, line.tenant_id
limit 100;
