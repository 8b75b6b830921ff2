-- The channels that were told of these alerts. $1 jsonb array of {tenant_id, alert_id}.
select distinct d.tenant_id, d.alert_id, d.channel_tenant_id, d.channel
from runledger.alert_deliveries d
join jsonb_to_recordset($1::jsonb) as u (tenant_id int, alert_id bigint)
  on u.tenant_id = d.tenant_id and u.alert_id = d.alert_id
