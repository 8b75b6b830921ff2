-- Moves the registers and sums of runs. State: the largest (state_at, state_rank, state_span_id) wins; identity: the least (identity_at,
-- identity_span_id, identity_rank) wins; link: the least (link_at, link_span_id, link_rank) of those that have one. The visible columns follow from the registers at every upsert, so a state that a job had set
-- (abandoned) gives way to any later signal.
-- $1 jsonb array, one object a run, its resource as JSON text; $2 now timestamptz
insert into public.enrichment_runs as r (
  tenant_id, run_id, run_key, status, degraded, started_at, ended_at, langsmith_trace_url, pipeline, environment, pipeline_version, trace_id,
  resource, state, state_at, state_rank, state_span_id, state_degraded, identity_at, identity_span_id, identity_rank,
  link_at, link_span_id, link_rank, run_started_at,
  first_event_at, last_event_at, last_received_at,
  sent_statements, sent_stages, sent_items, sent_vendor_calls, sent_dropped, stored_stages, stored_items, stored_vendor_calls)
select
  u.tenant_id, u.run_id, u.run_key, u.state, u.state_degraded,
  coalesce(u.run_started_at, u.first_event_at), case when u.state_rank > 0 then u.state_at end,
  u.langsmith_trace_url, u.pipeline, u.environment, u.pipeline_version, u.trace_id, u.resource::jsonb,
  u.state, u.state_at, u.state_rank, u.state_span_id, u.state_degraded, u.identity_at, u.identity_span_id, u.identity_rank,
  u.link_at, u.link_span_id, u.link_rank, u.run_started_at,
  u.first_event_at, u.last_event_at, $2::timestamptz,
  u.sent_statements, u.sent_stages, u.sent_items, u.sent_vendor_calls, u.sent_dropped, u.stored_stages, u.stored_items, u.stored_vendor_calls
from jsonb_to_recordset($1::jsonb) as u (
  tenant_id int, run_id bigint, run_key text, state text, state_at timestamptz, state_rank smallint, state_span_id text, state_degraded boolean,
  identity_at timestamptz, identity_span_id text, identity_rank smallint,
  link_at timestamptz, link_span_id text, link_rank smallint, run_started_at timestamptz, langsmith_trace_url text, pipeline text,
  environment text, pipeline_version text, trace_id text, resource text, first_event_at timestamptz, last_event_at timestamptz,
  sent_statements bigint, sent_stages bigint, sent_items bigint, sent_vendor_calls bigint, sent_dropped bigint,
  stored_stages bigint, stored_items bigint, stored_vendor_calls bigint)
order by u.tenant_id, u.run_id
on conflict (tenant_id, run_id) do update set
  run_key = coalesce(r.run_key, excluded.run_key),
  state = case when (excluded.state_at, excluded.state_rank, excluded.state_span_id) > (r.state_at, r.state_rank, r.state_span_id)
    then excluded.state else r.state end,
  state_degraded = case when (excluded.state_at, excluded.state_rank, excluded.state_span_id) > (r.state_at, r.state_rank, r.state_span_id)
    then excluded.state_degraded else r.state_degraded end,
  -- While no signal of the run itself is known, its status, start and end are what they are: another application's, where it made the row.
  status = case
    when (excluded.state_at, excluded.state_rank, excluded.state_span_id) > (r.state_at, r.state_rank, r.state_span_id) then excluded.state
    when r.state_rank < 0 and r.status <> 'abandoned' then r.status
    else r.state end,
  degraded = case when (excluded.state_at, excluded.state_rank, excluded.state_span_id) > (r.state_at, r.state_rank, r.state_span_id)
    then excluded.state_degraded else r.degraded end,
  ended_at = case
    when (excluded.state_at, excluded.state_rank, excluded.state_span_id) > (r.state_at, r.state_rank, r.state_span_id) then excluded.ended_at
    when r.state_rank > 0 then r.state_at
    when r.state_rank < 0 then r.ended_at end,
  state_at = greatest(r.state_at, excluded.state_at),
  state_rank = case when (excluded.state_at, excluded.state_rank, excluded.state_span_id) > (r.state_at, r.state_rank, r.state_span_id)
    then excluded.state_rank else r.state_rank end,
  state_span_id = case when (excluded.state_at, excluded.state_rank, excluded.state_span_id) > (r.state_at, r.state_rank, r.state_span_id)
    then excluded.state_span_id else r.state_span_id end,
  langsmith_trace_url = case when (excluded.link_at, excluded.link_span_id, excluded.link_rank) < (r.link_at, r.link_span_id, r.link_rank)
    then excluded.langsmith_trace_url else r.langsmith_trace_url end,
  link_at = least(r.link_at, excluded.link_at),
  link_span_id = case when (excluded.link_at, excluded.link_span_id, excluded.link_rank) < (r.link_at, r.link_span_id, r.link_rank)
    then excluded.link_span_id else r.link_span_id end,
  link_rank = case when (excluded.link_at, excluded.link_span_id, excluded.link_rank) < (r.link_at, r.link_span_id, r.link_rank)
    then excluded.link_rank else r.link_rank end,
  pipeline = case when (excluded.identity_at, excluded.identity_span_id, excluded.identity_rank) < (r.identity_at, r.identity_span_id, r.identity_rank)
    then excluded.pipeline else r.pipeline end,
  environment = case when (excluded.identity_at, excluded.identity_span_id, excluded.identity_rank) < (r.identity_at, r.identity_span_id, r.identity_rank)
    then excluded.environment else r.environment end,
  pipeline_version = case when (excluded.identity_at, excluded.identity_span_id, excluded.identity_rank) < (r.identity_at, r.identity_span_id, r.identity_rank)
    then excluded.pipeline_version else r.pipeline_version end,
  trace_id = case when (excluded.identity_at, excluded.identity_span_id, excluded.identity_rank) < (r.identity_at, r.identity_span_id, r.identity_rank)
    then excluded.trace_id else r.trace_id end,
  resource = case when (excluded.identity_at, excluded.identity_span_id, excluded.identity_rank) < (r.identity_at, r.identity_span_id, r.identity_rank)
    then excluded.resource else r.resource end,
  identity_at = least(r.identity_at, excluded.identity_at),
  identity_span_id = case when (excluded.identity_at, excluded.identity_span_id, excluded.identity_rank) < (r.identity_at, r.identity_span_id, r.identity_rank)
    then excluded.identity_span_id else r.identity_span_id end,
  identity_rank = case when (excluded.identity_at, excluded.identity_span_id, excluded.identity_rank) < (r.identity_at, r.identity_span_id, r.identity_rank)
    then excluded.identity_rank else r.identity_rank end,
  run_started_at = least(r.run_started_at, excluded.run_started_at),
  started_at = coalesce(least(r.run_started_at, excluded.run_started_at), least(r.started_at, excluded.first_event_at)),
  first_event_at = least(r.first_event_at, excluded.first_event_at),
  last_event_at = greatest(r.last_event_at, excluded.last_event_at),
  -- Once a second is enough for liveness.
  last_received_at = case when r.last_received_at is null or excluded.last_received_at - r.last_received_at > interval '1 second'
    then excluded.last_received_at else r.last_received_at end,
  sent_statements = r.sent_statements + excluded.sent_statements,
  sent_stages = r.sent_stages + excluded.sent_stages,
  sent_items = r.sent_items + excluded.sent_items,
  sent_vendor_calls = r.sent_vendor_calls + excluded.sent_vendor_calls,
  sent_dropped = r.sent_dropped + excluded.sent_dropped,
  stored_stages = r.stored_stages + excluded.stored_stages,
  stored_items = r.stored_items + excluded.stored_items,
  stored_vendor_calls = r.stored_vendor_calls + excluded.stored_vendor_calls
returning r.tenant_id, r.run_id, r.status
