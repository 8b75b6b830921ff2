-- What run_metrics must hold, read again from the events: per name the latest stated value by (ts, span id, value) and the sum of what
-- was added. Audit compares with it and rebuild writes it. The two halves are joined by a union, so that a condition on
-- (tenant_id, run_id) reaches both.
create or replace view runledger.recounted_metrics with (security_invoker = true) as
select
  m.tenant_id,
  m.run_id,
  m.name,
  max(m.set_value) as set_value,
  max(m.set_at) as set_at,
  max(m.set_span_id) as set_span_id,
  sum(m.added_value) as added_value
from (
  select l.tenant_id, l.run_id, l.name, l.set_value, l.set_at, l.set_span_id, null::numeric as added_value
  from (
    select distinct on (e.tenant_id, e.run_id, n.key collate "C")
      e.tenant_id,
      e.run_id,
      n.key collate "C" as name,
      n.value::numeric as set_value,
      e.ts as set_at,
      e.span_id as set_span_id
    from public.run_event_logs e
    cross join lateral jsonb_each_text(e.metrics -> 'set') as n (key, value)
    where e.metrics is not null
    order by e.tenant_id, e.run_id, n.key collate "C", e.ts desc, e.span_id desc, n.value::numeric desc
  ) l
  union all
  select e.tenant_id, e.run_id, n.key collate "C", null, null, null, n.value::numeric
  from public.run_event_logs e
  cross join lateral jsonb_each_text(e.metrics -> 'add') as n (key, value)
  where e.metrics is not null
) m
group by m.tenant_id, m.run_id, m.name;

comment on view runledger.recounted_metrics is 'run_metrics, read again from the events';
revoke all on runledger.recounted_metrics from public;
grant select on runledger.recounted_metrics to runledger_owner, runledger_operator;
