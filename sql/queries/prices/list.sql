-- Own prices with their tenants' names. $1 tenant_id int or null: those of one tenant and those of everybody.
select p.price_id, nullif(p.tenant_id, 0) as tenant_id, t.name as tenant_name, p.vendor, nullif(p.model, '') as model, p.unit,
  p.amount_usd::text as amount_usd, case when isfinite(p.valid_from) then p.valid_from end as valid_from
from runledger.prices p
left join runledger.tenants t on t.tenant_id = p.tenant_id
where $1::int is null or p.tenant_id in (0, $1::int)
order by p.vendor, p.model, p.unit, p.tenant_id, p.valid_from
