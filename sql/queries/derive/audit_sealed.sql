-- How many runs are sealed, and how many of those have counters that no longer fit what was sealed. $1 tenant_id int or null, $2 run_id
-- bigint or null: only this one. $3 floor timestamptz.
select
  count(*) as runs_sealed,
  coalesce(sum(s.difference), 0)::bigint + count(*) filter (where b.checksum is distinct from s.checksum) as sealed_difference
from runledger.sealed_runs s
left join runledger.closed_books(
  (
    select array_agg(n.tenant_id order by n.tenant_id, n.run_id)
    from runledger.sealed_runs n
    where ($1::int is null or n.tenant_id = $1) and ($2::bigint is null or n.run_id = $2)
  ),
  (
    select array_agg(n.run_id order by n.tenant_id, n.run_id)
    from runledger.sealed_runs n
    where ($1::int is null or n.tenant_id = $1) and ($2::bigint is null or n.run_id = $2)
  ),
  $3::timestamptz
) b on b.tenant_id = s.tenant_id and b.run_id = s.run_id
where ($1::int is null or s.tenant_id = $1) and ($2::bigint is null or s.run_id = $2)
