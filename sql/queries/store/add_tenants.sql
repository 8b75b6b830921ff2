-- $1 numeric ids, $2 names; both sorted, so that two sessions wait for each other and never in a circle.
insert into runledger.tenants (tenant_id, name)
select id, null from unnest($1::int[]) as i (id)
union all
select nextval('runledger.tenant_id_seq')::int, name from unnest($2::text[]) as n (name)
on conflict do nothing;
