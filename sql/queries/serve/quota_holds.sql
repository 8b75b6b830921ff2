-- Tenants whose senders a quota told to come back later, newest first. $1 tenant_id or null, $2 first day date, $3 limit
select json_build_object(
  'tenant_id', h.tenant_id, 'tenant_name', t.name, 'quota', h.quota, 'day', h.day, 'requests', h.requests, 'last_at', h.last_at
) as line
from runledger.quota_holds h
left join runledger.tenants t on t.tenant_id = h.tenant_id
where ($1::int is null or h.tenant_id = $1::int) and h.day >= $2::date
order by h.last_at desc, h.tenant_id, h.quota
limit $3::int
