-- Gives every new run key its id. A statement of its own, committed before the next one reads: in one statement with the select, the second
-- of two concurrent callers would get no row, because its snapshot is older than the first one's commit.
-- $1 tenant_ids int[], $2 run_keys text[]
insert into runledger.run_keys (tenant_id, run_key)
select u.tenant_id, u.run_key
from unnest($1::int[], $2::text[]) as u (tenant_id, run_key)
order by u.tenant_id, u.run_key collate "C"
on conflict (tenant_id, run_key) do nothing
