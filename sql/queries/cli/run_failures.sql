-- What went wrong in a run: error codes by stage and vendor, what ended a stage first, then the most frequent. $1 tenant_id, $2 run_id, $3 and $4 the run's first and
-- last event time, $5 rows. A vendor call says how many of its calls failed; any other row is one failure.
select to_json(line) as line
from (
  select
    e.stage,
    e.vendor,
    e.kind,
    coalesce(e.error_code, 'ERROR') as error_code,
    sum(case when e.kind = 'vendor_call' then greatest(e.errors, e.rate_limit_hits) else 1 end)::bigint as failures,
    min(e.company_id) as first_item,
    max(e.ts) as last_at
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and (e.status = 'error' or e.errors > 0)
    and e.kind in ('stage', 'item', 'vendor_call')
  group by e.stage, e.vendor, e.kind, coalesce(e.error_code, 'ERROR')
) line
order by line.kind = 'stage' desc, line.failures desc, line.stage, line.vendor, line.error_code
limit $5;
