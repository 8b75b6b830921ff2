-- What goes wrong with the ledger itself, per tenant (0: the installation): spans refused, and resends that say something else, today or
-- yesterday (UTC); spans that wait for their run; runs of which the sender ended more than is stored; channels that get no message through;
-- an audit that found a difference, or none at all for two days. Wrong rules are added by the caller.
-- $1 as_of timestamptz, $2 limits jsonb (see runledger.rule_limits), $3 severity text.
with tenant_limits as (
  select t.tenant_id, p.*
  from runledger.tenants t
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, t.tenant_id, ''))
    as p (enabled boolean, refused_above bigint, parked_minutes numeric, conflicts_above bigint, audit_hours numeric)
  where t.status <> 'disabled' and p.enabled
),
refused as (
  select f.tenant_id, '' as environment, '' as pipeline,
    case f.reason when 'conflict' then 'conflicts' else 'refused:' || f.reason end as subject,
    null::bigint as run_id,
    jsonb_build_object('value', sum(f.spans), 'limit', case f.reason when 'conflict' then p.conflicts_above else p.refused_above end) as numbers
  from runledger.refusals f
  join tenant_limits p on p.tenant_id = f.tenant_id
  where f.day between ($1::timestamptz at time zone 'UTC')::date - 1 and ($1::timestamptz at time zone 'UTC')::date
  group by f.tenant_id, f.reason, p.conflicts_above, p.refused_above
  having sum(f.spans) > case f.reason when 'conflict' then p.conflicts_above else p.refused_above end
),
parked as (
  select w.tenant_id, '', '', 'parked', null::bigint,
    jsonb_build_object(
      'value', count(*),
      'limit_minutes', p.parked_minutes,
      'oldest_minutes', floor(extract(epoch from $1::timestamptz - min(w.parked_at)) / 60),
      'reasons', string_agg(distinct w.reason, ', ')
    )
  from runledger.parked_spans w
  join tenant_limits p on p.tenant_id = w.tenant_id
  where w.parked_at < $1::timestamptz - p.parked_minutes * interval '1 minute'
  group by w.tenant_id, p.parked_minutes
),
incomplete as (
  select l.tenant_id, l.environment, l.pipeline, 'incomplete', l.run_id,
    jsonb_build_object(
      'value', r.stored_stages + r.stored_items + r.stored_vendor_calls,
      'limit', r.sent_stages + r.sent_items + r.sent_vendor_calls,
      'missing_stages', greatest(0, r.sent_stages - r.stored_stages),
      'missing_items', greatest(0, r.sent_items - r.stored_items),
      'missing_vendor_calls', greatest(0, r.sent_vendor_calls - r.stored_vendor_calls),
      'dropped_by_sender', r.sent_dropped
    )
  from runledger.latest_runs($1::timestamptz) l
  cross join lateral jsonb_to_record(runledger.rule_limits($2::jsonb, l.tenant_id, l.pipeline)) as p (enabled boolean)
  join public.enrichment_runs r on r.tenant_id = l.tenant_id and r.run_id = l.run_id
  where p.enabled and l.complete = false
),
undelivered as (
  select c.tenant_id, '', '', 'delivery:' || c.channel, null::bigint,
    jsonb_build_object('value', count(*), 'limit', 0, 'last_error', (array_agg(d.last_error order by d.finished_at desc, d.delivery_id desc))[1])
  from runledger.alert_channels c
  join tenant_limits p on p.tenant_id = c.tenant_id
  join runledger.alert_deliveries d on d.channel_tenant_id = c.tenant_id and d.channel = c.channel
  where c.enabled
    and d.state = 'dead'
    and d.finished_at <= $1::timestamptz
    and d.finished_at > coalesce((
      select max(s.finished_at)
      from runledger.alert_deliveries s
      where s.channel_tenant_id = c.tenant_id and s.channel = c.channel and s.state = 'sent' and s.finished_at <= $1::timestamptz
    ), '-infinity')
  group by c.tenant_id, c.channel
),
last_audits as (
  select distinct on (a.job) a.*
  from runledger.audit_results a
  where a.audited_at <= $1::timestamptz
  order by a.job, a.audited_at desc
),
audits as (
  select 0, '', '', 'audit', null::bigint,
    jsonb_build_object(
      'value', sum(a.difference + a.sealed_difference),
      'limit', 0,
      'difference', sum(a.difference),
      'sealed_difference', sum(a.sealed_difference),
      'job', string_agg(a.job, ', ' order by a.job)
    )
  from last_audits a
  where (a.difference <> 0 or a.sealed_difference <> 0)
    and exists (select from tenant_limits p where p.tenant_id = 0)
  having count(*) > 0
),
-- An installation that never audited is as old as its tenant 0. Where there are no events there is nothing to audit.
audit_missing as (
  select 0, '', '', 'audit_missing', null::bigint,
    jsonb_build_object(
      'value', floor(extract(epoch from $1::timestamptz - s.since) / 3600),
      'limit', p.audit_hours,
      'last_audit_at', to_char(l.audited_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    )
  from tenant_limits p
  join runledger.tenants t on t.tenant_id = p.tenant_id
  left join last_audits l on l.job = 'audit'
  cross join lateral (select coalesce(l.audited_at, t.created_at) as since) s
  where p.tenant_id = 0
    and s.since < $1::timestamptz - p.audit_hours * interval '1 hour'
    and exists (select from public.run_event_logs e where e.ts <= $1::timestamptz)
)
select f.tenant_id, f.environment, f.pipeline, f.subject, 'bad' as verdict, $3::text as severity, f.run_id, f.numbers
from (
  select * from refused
  union all
  select * from parked
  union all
  select * from incomplete
  union all
  select * from undelivered
  union all
  select * from audits
  union all
  select * from audit_missing
) f
order by f.tenant_id, f.environment, f.pipeline, f.subject
