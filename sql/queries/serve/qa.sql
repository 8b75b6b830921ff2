-- A page of QA samples, the newest draw first. $1 tenant_id or null, $2 run_id, $3 result, $4 bucket in small letters, $5 reviewer, $6 pipeline,
-- $7..$10 key of the last sample seen (created_at, tenant_id, run_id, company_id), $11 limit, $12 company_id. Null: not filtered.
select to_json(line) as line
from (
  select
    q.run_id,
    q.tenant_id,
    t.name as tenant_name,
    q.company_id,
    coalesce(case when q.company_id >= 4503599627370496 then q.facts #>> '{extra,item_id}' end, q.company_id::text) as item,
    q.bucket,
    q.checks,
    q.result,
    q.notes,
    q.reviewer,
    q.reviewed_at,
    q.created_at,
    q.facts,
    case when r.run_id is not null then
      json_build_object(
        'run_id', r.run_id, 'tenant_id', r.tenant_id, 'run_key', r.run_key, 'pipeline', r.pipeline, 'environment', r.environment,
        'status', r.status, 'degraded', r.degraded, 'started_at', r.started_at, 'ended_at', r.ended_at
      )
    end as run
  from public.qa_samples q
  left join runledger.tenants t on t.tenant_id = q.tenant_id
  left join public.enrichment_runs r on r.tenant_id = q.tenant_id and r.run_id = q.run_id
  where ($1::int is null or q.tenant_id = $1)
    and ($2::bigint is null or q.run_id = $2)
    and ($3::text is null or q.result = $3)
    and ($4::text is null or lower(q.bucket) = $4)
    and ($5::text is null or q.reviewer = $5)
    and ($6::text is null or r.pipeline = $6)
    and ($12::bigint is null or q.company_id = $12)
    and ($7::timestamptz is null or (q.created_at, q.tenant_id, q.run_id, q.company_id) < ($7, $8::int, $9::bigint, $10::bigint))
  order by q.created_at desc, q.tenant_id desc, q.run_id desc, q.company_id desc
  limit $11::int
) line
order by line.created_at desc, line.tenant_id desc, line.run_id desc, line.company_id desc;
