-- Writes what derive says of the run itself: degraded when the run said so, or succeeded although a stage ended in error, and the fingerprint
-- of the trend rows that were just written.
-- $1 tenant_id int, $2 run_id bigint, $3 derived_at timestamptz.
update public.enrichment_runs r
set
  degraded = r.state_degraded or (
    r.status = 'succeeded'
    and exists (
      select 1
      from public.run_stage_stats s
      where s.tenant_id = $1::int and s.run_id = $2::bigint and s.status = 'error'
    )
  ),
  derived_at = $3::timestamptz,
  derived_status = r.status,
  trends_hash = (
    select coalesce(bit_xor(hash_record_extended(t, 0)), 0)
    from runledger.trend_buckets t
    where t.tenant_id = $1::int and t.run_id = $2::bigint
  )
where r.tenant_id = $1::int and r.run_id = $2::bigint
