-- A page of alerts: firing, acked, snoozed, resolved, and within each the newest first.
-- $1 tenant_id or null, $2 states, $3 code, $4 pipeline, $5 environment, $6 run_id, $7 alert_id, $8..$11 key of the last alert seen (rank of the
-- state, fired_at, alert_id, tenant_id), $12 limit. Null: not filtered.
with ranked as (
  select a.*, case a.state when 'firing' then 0 when 'acked' then 1 when 'snoozed' then 2 else 3 end as rank
  from runledger.alerts a
  where ($1::int is null or a.tenant_id = $1)
    and ($2::text[] is null or a.state = any ($2))
    and ($3::text is null or a.code = $3)
    and ($4::text is null or a.pipeline = $4)
    and ($5::text is null or a.environment = $5)
    and ($6::bigint is null or a.run_id = $6)
    and ($7::bigint is null or a.alert_id = $7)
), page as (
  select *
  from ranked k
  where $8::int is null
    or k.rank > $8
    or (k.rank = $8 and (k.fired_at, k.alert_id, k.tenant_id) < ($9::timestamptz, $10::bigint, $11::int))
  order by k.rank, k.fired_at desc, k.alert_id desc, k.tenant_id desc
  limit $12::int
)
select to_json(line) as line
from (
  select
    p.alert_id,
    p.tenant_id,
    t.name as tenant_name,
    p.rule,
    p.code,
    coalesce(u.title, p.rule) as title,
    p.environment,
    p.pipeline,
    p.subject,
    p.severity,
    p.state,
    p.numbers,
    p.fired_at,
    p.last_bad_at,
    p.reminded_at,
    p.acked_at,
    p.acked_by,
    p.snoozed_until,
    p.snoozed_by,
    p.note,
    p.resolved_at,
    p.resolved_because,
    p.resolved_run_id,
    case when r.run_id is not null then
      json_build_object(
        'run_id', r.run_id, 'tenant_id', r.tenant_id, 'run_key', r.run_key, 'pipeline', r.pipeline, 'environment', r.environment,
        'status', r.status, 'degraded', r.degraded, 'started_at', r.started_at, 'ended_at', r.ended_at
      )
    end as run,
    p.rank
  from page p
  left join runledger.alert_rules u on u.rule = p.rule
  left join runledger.tenants t on t.tenant_id = p.tenant_id and p.tenant_id > 0
  left join public.enrichment_runs r on r.tenant_id = p.tenant_id and r.run_id = p.run_id
) line
order by line.rank, line.fired_at desc, line.alert_id desc, line.tenant_id desc;
