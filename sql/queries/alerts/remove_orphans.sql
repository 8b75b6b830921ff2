-- Without an enabled schedule nothing is expected, and nothing was missed.
delete from runledger.expected_runs e
where e.run_id is null
  and not exists (
    select from runledger.schedules s
    where s.tenant_id = e.tenant_id and s.pipeline = e.pipeline and s.environment = e.environment and s.enabled
  )
