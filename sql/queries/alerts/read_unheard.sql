-- Alerts of a rule that fire, and the channels that want them and never had a message about them: new ones, and those that were disabled or took
-- pages alone when the alert fired. A message that was given up before it was tried is none. $1 rule text.
select a.tenant_id, a.alert_id, c.tenant_id as channel_tenant_id, c.channel
from runledger.alerts a
cross join runledger.alert_channels c
where a.rule = $1::text
  and a.state = 'firing'
  and c.enabled
  and (c.tenant_id = 0 or c.tenant_id = a.tenant_id)
  and (c.min_severity = 'warn' or a.severity = 'page')
  and not exists (
    select from runledger.alert_deliveries d
    where d.tenant_id = a.tenant_id and d.alert_id = a.alert_id
      and d.channel_tenant_id = c.tenant_id and d.channel = c.channel
      and (d.state <> 'dead' or d.attempts > 0))
order by a.tenant_id, a.alert_id, c.tenant_id, c.channel
