-- $1 tenant_id int, $2 run_ids bigint[], $3 now timestamptz
insert into runledger.run_admissions (tenant_id, run_id, admitted_at)
select $1::int, u.run_id, $3::timestamptz
from unnest($2::bigint[]) as u (run_id)
order by u.run_id
on conflict (tenant_id, run_id) do nothing
