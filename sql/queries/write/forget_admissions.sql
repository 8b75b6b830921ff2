-- Forgets who was let in and is stored by now, or never came. $1 tenant_id int, $2 admitted until timestamptz
delete from runledger.run_admissions as a
where a.tenant_id = $1::int
  and (a.admitted_at <= $2::timestamptz
    or exists (select from public.enrichment_runs as r where r.tenant_id = $1::int and r.run_id = a.run_id))
