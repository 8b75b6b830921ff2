-- Removes the run's rows of run_vendor_usage that none of its events account for. $1 tenant_id int, $2 run_id bigint.
delete from public.run_vendor_usage t
where t.tenant_id = $1::int
  and t.run_id = $2::bigint
  and not exists (
    select 1
    from runledger.recounted_vendor_usage c
    where c.tenant_id = $1::int and c.run_id = $2::bigint and c.vendor = t.vendor
  )
returning t.vendor as name
