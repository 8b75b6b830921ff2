-- Whether the numbers can be trusted, over all tenants. $1 now.
select json_build_object(
  'last_received_at', (
    select max(r.last_received_at)
    from public.enrichment_runs r
    where r.status = 'running' or r.started_at > $1::timestamptz - interval '2 days'
  ),
  'refusals', (
    select coalesce(
      json_agg(
        json_build_object('tenant_id', f.tenant_id, 'tenant_name', t.name, 'day', f.day, 'reason', f.reason, 'spans', f.spans)
        order by f.day desc, f.spans desc, f.tenant_id, f.reason
      ),
      '[]'
    )
    from (
      select * from runledger.refusals r where r.day > ($1 at time zone 'UTC')::date - 7 order by r.day desc, r.spans desc limit 500
    ) f
    left join runledger.tenants t on t.tenant_id = f.tenant_id
  ),
  'parked', (
    select coalesce(
      json_agg(
        json_build_object(
          'tenant_id', p.tenant_id, 'tenant_name', t.name, 'reason', p.reason, 'rows', p.rows, 'oldest_at', p.oldest_at
        )
        order by p.rows desc, p.tenant_id, p.reason
      ),
      '[]'
    )
    from (
      select s.tenant_id, s.reason, count(*) as rows, min(s.parked_at) as oldest_at
      from runledger.parked_spans s
      group by s.tenant_id, s.reason
    ) p
    left join runledger.tenants t on t.tenant_id = p.tenant_id
  ),
  'derive', (
    select json_build_object(
      'waiting_runs', count(*),
      'overdue_runs', count(*) filter (where d.due_at < $1 - interval '1 minute'),
      'lag_seconds', greatest(coalesce(round(extract(epoch from $1 - min(d.due_at)), 1), 0), 0)
    )
    from runledger.dirty_runs d
  ),
  'incomplete_runs', (
    select coalesce(
      json_agg(
        json_build_object(
          'run_id', r.run_id, 'tenant_id', r.tenant_id, 'run_key', r.run_key, 'pipeline', r.pipeline, 'environment', r.environment,
          'status', r.status, 'degraded', r.degraded, 'started_at', r.started_at, 'ended_at', r.ended_at
        )
        order by r.ended_at desc, r.tenant_id, r.run_id
      ),
      '[]'
    )
    from (
      select *
      from public.enrichment_runs e
      where e.complete = false and e.status <> 'running' and e.ended_at > $1 - interval '7 days'
      order by e.ended_at desc, e.tenant_id, e.run_id
      limit 50
    ) r
  ),
  'audits', (
    select coalesce(json_agg(a order by a.audited_at desc), '[]')
    from (select * from runledger.audit_results r order by r.audited_at desc limit 10) a
  ),
  'retention', (
    select json_build_object('floor_day', n.floor_day, 'sealed_runs', (select count(*) from runledger.sealed_runs)) from runledger.retention n
  )
) as line;
