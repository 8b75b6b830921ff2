-- How often each alert fired, how soon somebody took it, and how long it lasted. Variable: since (date).
select tenant_id, code, severity, count(*) as alerts, count(*) filter (where resolved_at is null) as open,
  percentile_cont(0.5) within group (order by minutes_to_ack) as median_minutes_to_ack,
  percentile_cont(0.5) within group (order by minutes_open) as median_minutes_open
from alert_history
where fired_at >= {{since}}
group by 1, 2, 3
order by alerts desc, code;
