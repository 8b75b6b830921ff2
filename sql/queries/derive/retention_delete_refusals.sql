-- Removes some counts of refusals before $1 date, at most $2 int.
delete from runledger.refusals f
where (f.tenant_id, f.day, f.reason) in (
  select o.tenant_id, o.day, o.reason from runledger.refusals o where o.day < $1::date limit $2::int
)
