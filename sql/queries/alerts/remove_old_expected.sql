-- $1 timestamptz: older due times go.
delete from runledger.expected_runs
where due_at < $1::timestamptz
