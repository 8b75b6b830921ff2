-- What was sent about an alert and what people did about it, oldest first, and where its run can be looked at.
-- $1 tenant_id, $2 alert_id, $3 run_id or null.
select json_build_object(
  'deliveries', (
    select coalesce(
      json_agg(
        json_build_object(
          'delivery_id', d.delivery_id, 'channel', d.channel, 'event', d.event, 'event_at', d.event_at, 'state', d.state,
          'attempts', d.attempts, 'next_attempt_at', d.next_attempt_at, 'last_error', d.last_error, 'in_digest', d.in_digest,
          'created_at', d.created_at, 'finished_at', d.finished_at
        )
        order by d.event_at, d.delivery_id
      ),
      '[]'
    )
    from runledger.alert_deliveries d
    where d.tenant_id = $1::int and d.alert_id = $2::bigint
  ),
  'acts', (
    select coalesce(json_agg(json_build_object('at', c.at, 'actor', c.actor, 'act', c.act, 'reason', c.reason) order by c.at, c.act_id), '[]')
    from runledger.acts c
    where c.tenant_id = $1 and c.object = 'alert ' || $2
  ),
  'run', (
    select json_build_object('trace_id', r.trace_id, 'langsmith_trace_url', r.langsmith_trace_url)
    from public.enrichment_runs r
    where r.tenant_id = $1 and r.run_id = $3::bigint
  )
) as line;
