-- Leaves a run dirty, due no earlier than $3 milliseconds after $4 now; a wait that is already longer stays. What it waited for before is
-- over when $5 is true: the limit on the wait of a terminal run starts anew. $1 tenant_id int, $2 run_id bigint.
update runledger.dirty_runs
set
  due_at = greatest(due_at, $4::timestamptz + $3::double precision * interval '1 millisecond'),
  first_at = case when $5::boolean then $4::timestamptz else first_at end
where tenant_id = $1::int and run_id = $2::bigint
