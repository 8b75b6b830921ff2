-- Removes the model rows of a run that compute_model_usage no longer gives. $1 tenant_id int, $2 run_id bigint, $3 jsonb array of what
-- compute_model_usage gave.
delete from runledger.model_usage t
where t.tenant_id = $1::int
  and t.run_id = $2::bigint
  and not exists (
    select 1
    from jsonb_to_recordset($3::jsonb) as u (vendor text, model text)
    where u.vendor = t.vendor and u.model = t.model
  )
