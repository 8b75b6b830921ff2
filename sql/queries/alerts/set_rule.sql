-- $1 rule text; null leaves as it is: $2 enabled boolean, $3 severity text, $4 parameters jsonb; $5 whether $6 remind_after_minutes int or null
-- is set.
update runledger.alert_rules
set
  enabled = coalesce($2::boolean, enabled),
  severity = coalesce($3::text, severity),
  parameters = coalesce($4::jsonb, parameters),
  remind_after_minutes = case when $5::boolean then $6::int else remind_after_minutes end
where rule = $1::text
