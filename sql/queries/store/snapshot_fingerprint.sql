-- One number that changes when anything the snapshot holds changes; the tables are small and have no triggers to tell.
select md5(concat(
  (select sum(hashtextextended(t::text, 0)) from (select tenant_id, name, status from runledger.tenants) as t), '/',
  (select sum(hashtextextended(v::text, 0)) from runledger.vendors as v), '/',
  (select sum(hashtextextended(p::text, 0)) from runledger.prices as p), '/',
  (select sum(hashtextextended(a::text, 0)) from runledger.attribute_aliases as a), '/',
  (select sum(hashtextextended(q::text, 0)) from runledger.tenant_quotas as q), '/',
  (select sum(hashtextextended(s::text, 0)) from runledger.settings as s where name = 'privacy_key'), '/',
  (select floor_day from runledger.retention)
)) as fingerprint;
