-- Removes the trend rows of a run that compute_trends no longer gives; all of them for a run that is going on, also again.
-- $1 tenant_id int, $2 run_id bigint, $3 jsonb array of what compute_trends gave.
delete from runledger.trend_buckets t
where t.tenant_id = $1::int
  and t.run_id = $2::bigint
  and not exists (
    select 1
    from jsonb_to_recordset($3::jsonb) as u (stage text, class text)
    where u.stage = t.stage and u.class = t.class
  )
