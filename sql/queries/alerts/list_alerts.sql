-- Alerts, the open ones first and within each state the newest first. $1 tenant_id or null, $2 resolved ones too boolean, $3 limit.
select a.tenant_id, t.name as tenant_name, a.alert_id, a.rule, a.code, coalesce(u.title, a.rule) as title, coalesce(u.kind, '') as kind,
  a.environment, a.pipeline, a.subject, a.severity, a.state, a.run_id, r.run_key, a.numbers, a.fired_at, a.last_bad_at, a.acked_at,
  a.acked_by, a.snoozed_until, a.snoozed_by, a.note, a.resolved_at, a.resolved_because
from runledger.alerts a
left join runledger.alert_rules u on u.rule = a.rule
left join runledger.tenants t on t.tenant_id = a.tenant_id and t.tenant_id > 0
left join public.enrichment_runs r on r.tenant_id = a.tenant_id and r.run_id = a.run_id
where ($1::int is null or a.tenant_id = $1::int)
  and ($2::boolean or a.state <> 'resolved')
order by case a.state when 'firing' then 0 when 'acked' then 1 when 'snoozed' then 2 else 3 end, a.fired_at desc, a.alert_id desc
limit $3::int
