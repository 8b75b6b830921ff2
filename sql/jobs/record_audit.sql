-- Keeps the result of an audit and drops old ones. The clock is read when the row is written: of two receivers both rows stay.
-- $1 job text, $2 difference bigint, $3 runs_checked bigint, $4 runs_sealed bigint, $5 sealed_difference bigint, $6 days kept int.
with dropped as (
  delete from runledger.audit_results a
  where a.audited_at < now() - $6::int * interval '1 day'
)
insert into runledger.audit_results (audited_at, job, difference, runs_checked, runs_sealed, sealed_difference)
values (clock_timestamp(), $1::text, $2::bigint, $3::bigint, $4::bigint, $5::bigint)
on conflict (job, audited_at) do nothing
