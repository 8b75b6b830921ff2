-- The fingerprint of a run's trend rows, unless a derive has just given it one. $1 tenant_id int, $2 run_id bigint.
update public.enrichment_runs r
set trends_hash = (
  select coalesce(bit_xor(hash_record_extended(t, 0)), 0)
  from runledger.trend_buckets t
  where t.tenant_id = $1::int and t.run_id = $2::bigint
)
where r.tenant_id = $1::int
  and r.run_id = $2::bigint
  and r.trends_hash is null
