-- What is drawn for QA: everybody's lines (tenant 0) and tenants' own. $1 tenant_id or null: all that the caller may see.
select json_build_object(
  'tenant_id', q.tenant_id, 'tenant_name', t.name, 'bucket', q.bucket, 'sample_limit', q.sample_limit, 'checks', q.checks
) as line
from runledger.qa_settings q
left join runledger.tenants t on t.tenant_id = q.tenant_id and q.tenant_id > 0
where $1::int is null or q.tenant_id in (0, $1)
order by q.tenant_id, q.bucket;
