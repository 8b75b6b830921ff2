-- $1 tenant_id int, $2 rule text, $3 pipeline text, $4 whether $5 enabled boolean or null is set, $6 parameters jsonb.
insert into runledger.alert_overrides as o (tenant_id, rule, pipeline, enabled, parameters)
values ($1::int, $2::text, $3::text, $5::boolean, $6::jsonb)
on conflict (tenant_id, rule, pipeline) do update set
  enabled = case when $4::boolean then excluded.enabled else o.enabled end,
  parameters = excluded.parameters
