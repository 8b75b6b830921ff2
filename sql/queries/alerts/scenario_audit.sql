-- What an audit found. $1 when timestamptz, $2 difference bigint.
insert into runledger.audit_results (audited_at, job, difference, runs_checked, runs_sealed, sealed_difference)
values ($1::timestamptz, 'audit', $2::bigint, 71, 0, 0)
