/** The statements of the second writer in ledger_writer.ts. $1 is a JSON array of its rows. */

const COLUMNS = `tenant_id int, run_id bigint, stage text, kind text, seq int, ts timestamptz, span_id text, event text, status text,
  duration_ms int, vendor text, calls bigint, errors bigint, units_total bigint, units_success bigint, units_error bigint,
  rate_limit_hits bigint, quota_exhausted boolean, cost_usd numeric, tokens_input bigint, tokens_output bigint, metrics jsonb,
  company_id bigint, bucket text, extra jsonb`;
const NEW_ROWS = `jsonb_to_recordset($1::jsonb) as n (${COLUMNS})`;

export const INSERT_EVENTS = `
insert into public.run_event_logs (tenant_id, run_id, stage, kind, seq, ts, span_id, event, status, duration_ms, vendor, calls, errors,
  units_total, units_success, units_error, rate_limit_hits, quota_exhausted, cost_usd, tokens_input, tokens_output, metrics, company_id, bucket, extra, trace_id)
select n.*, repeat('a', 32)
from (
  select tenant_id, run_id, stage, kind, seq, ts, span_id, event, status, duration_ms, vendor, calls, errors, units_total,
    units_success, units_error, rate_limit_hits, quota_exhausted, cost_usd, tokens_input, tokens_output, metrics, company_id, bucket,
    extra
  from ${NEW_ROWS}
) n
order by tenant_id, run_id, ts, span_id collate "C", seq
on conflict do nothing
returning tenant_id, run_id, tenant_id || '/' || run_id || '/' || span_id || '/' || seq as key`;

export const UPSERT_RUNS = `
insert into public.enrichment_runs as r (tenant_id, run_id, status, state, started_at, first_event_at, last_event_at, last_received_at,
  sent_statements, sent_stages, sent_items, sent_vendor_calls, sent_dropped, stored_stages, stored_items, stored_vendor_calls)
select tenant_id, run_id, coalesce($2::text, 'running'), coalesce($2::text, 'running'), min(ts), min(ts), max(ts), $3::timestamptz,
  count(*) filter (where kind = 'run' and seq = 1 and metrics -> 'sent' is not null),
  coalesce(sum((metrics #>> '{sent,stages}')::bigint), 0), coalesce(sum((metrics #>> '{sent,items}')::bigint), 0),
  coalesce(sum((metrics #>> '{sent,vendor_calls}')::bigint), 0), coalesce(sum((metrics #>> '{sent,dropped}')::bigint), 0),
  count(*) filter (where kind = 'stage' and seq = 1), count(*) filter (where kind = 'item' and seq = 1),
  count(*) filter (where kind = 'vendor_call' and seq = 1)
from ${NEW_ROWS}
group by tenant_id, run_id
order by tenant_id, run_id
on conflict (tenant_id, run_id) do update set
  status = coalesce($2::text, r.state),
  state = coalesce($2::text, r.state),
  started_at = least(r.started_at, excluded.started_at),
  first_event_at = least(r.first_event_at, excluded.first_event_at),
  last_event_at = greatest(r.last_event_at, excluded.last_event_at),
  last_received_at = excluded.last_received_at,
  sent_statements = r.sent_statements + excluded.sent_statements,
  sent_stages = r.sent_stages + excluded.sent_stages,
  sent_items = r.sent_items + excluded.sent_items,
  sent_vendor_calls = r.sent_vendor_calls + excluded.sent_vendor_calls,
  sent_dropped = r.sent_dropped + excluded.sent_dropped,
  stored_stages = r.stored_stages + excluded.stored_stages,
  stored_items = r.stored_items + excluded.stored_items,
  stored_vendor_calls = r.stored_vendor_calls + excluded.stored_vendor_calls`;

const NEWER = `(excluded.state_at, excluded.state_is_end, excluded.state_span_id) > (s.state_at, s.state_is_end, s.state_span_id)`;
export const UPSERT_STAGES = `
insert into public.run_stage_stats as s (tenant_id, run_id, stage, count_total, count_success, count_error, cost_usd, tokens_input,
  tokens_output, started_at, ended_at, duration_ms, retry_count, fallback_count, status, state_at, state_is_end, state_span_id)
select tenant_id, run_id, stage, sum(units_total), sum(units_success), sum(units_error), coalesce(sum(cost_usd), 0), sum(tokens_input),
  sum(tokens_output), min(case when kind = 'stage' and seq = 0 then ts end), max(case when kind = 'stage' and seq = 1 then ts end),
  coalesce(sum(case when kind = 'stage' and seq = 1 then duration_ms end), 0), count(case when event = 'retry' then 1 end),
  count(case when event = 'fallback' then 1 end),
  (array_agg(case when seq = 0 then 'running' else status end order by ts desc, seq desc, span_id collate "C" desc)
    filter (where kind = 'stage'))[1],
  coalesce((array_agg(ts order by ts desc, seq desc, span_id collate "C" desc) filter (where kind = 'stage'))[1], '-infinity'),
  coalesce((array_agg(seq order by ts desc, seq desc, span_id collate "C" desc) filter (where kind = 'stage'))[1], -1),
  coalesce((array_agg(span_id order by ts desc, seq desc, span_id collate "C" desc) filter (where kind = 'stage'))[1], '')
from ${NEW_ROWS}
where stage <> '_run' and (kind in ('stage', 'item', 'vendor_call') or (kind = 'event' and event in ('retry', 'fallback')))
group by tenant_id, run_id, stage
order by tenant_id, run_id, stage collate "C"
on conflict (run_id, tenant_id, stage) do update set
  count_total = s.count_total + excluded.count_total,
  count_success = s.count_success + excluded.count_success,
  count_error = s.count_error + excluded.count_error,
  cost_usd = s.cost_usd + excluded.cost_usd,
  tokens_input = s.tokens_input + excluded.tokens_input,
  tokens_output = s.tokens_output + excluded.tokens_output,
  started_at = least(s.started_at, excluded.started_at),
  ended_at = greatest(s.ended_at, excluded.ended_at),
  duration_ms = s.duration_ms + excluded.duration_ms,
  retry_count = s.retry_count + excluded.retry_count,
  fallback_count = s.fallback_count + excluded.fallback_count,
  status = case when ${NEWER} then excluded.status else s.status end,
  state_at = case when ${NEWER} then excluded.state_at else s.state_at end,
  state_is_end = case when ${NEWER} then excluded.state_is_end else s.state_is_end end,
  state_span_id = case when ${NEWER} then excluded.state_span_id else s.state_span_id end`;

export const UPSERT_VENDORS = `
insert into public.run_vendor_usage as s (tenant_id, run_id, vendor, calls, errors, cost_usd, rate_limit_hits, quota_exhausted,
  tokens_input, tokens_output, unpriced_calls, unpriced_tokens)
select tenant_id, run_id, vendor, sum(calls), sum(errors), coalesce(sum(cost_usd), 0), sum(rate_limit_hits), bool_or(quota_exhausted),
  sum(tokens_input), sum(tokens_output), sum(case when cost_usd is null then calls else 0 end),
  sum(case when cost_usd is null then tokens_input + tokens_output else 0 end)
from ${NEW_ROWS}
where kind = 'vendor_call'
group by tenant_id, run_id, vendor
order by tenant_id, run_id, vendor collate "C"
on conflict (run_id, tenant_id, vendor) do update set
  calls = s.calls + excluded.calls,
  errors = s.errors + excluded.errors,
  cost_usd = s.cost_usd + excluded.cost_usd,
  rate_limit_hits = s.rate_limit_hits + excluded.rate_limit_hits,
  quota_exhausted = s.quota_exhausted or excluded.quota_exhausted,
  tokens_input = s.tokens_input + excluded.tokens_input,
  tokens_output = s.tokens_output + excluded.tokens_output,
  unpriced_calls = s.unpriced_calls + excluded.unpriced_calls,
  unpriced_tokens = s.unpriced_tokens + excluded.unpriced_tokens`;

const LATER = `s.set_at is null or (excluded.set_at, excluded.set_span_id, excluded.set_value) > (s.set_at, s.set_span_id, s.set_value)`;
export const UPSERT_SET_METRICS = `
insert into public.run_metrics as s (tenant_id, run_id, name, set_value, set_at, set_span_id)
select distinct on (n.tenant_id, n.run_id, m.key collate "C") n.tenant_id, n.run_id, m.key, m.value::numeric, n.ts, n.span_id
from ${NEW_ROWS}, jsonb_each_text(n.metrics -> 'set') m
order by n.tenant_id, n.run_id, m.key collate "C", n.ts desc, n.span_id collate "C" desc, m.value::numeric desc
on conflict (run_id, tenant_id, name) do update set
  set_value = case when ${LATER} then excluded.set_value else s.set_value end,
  set_at = case when ${LATER} then excluded.set_at else s.set_at end,
  set_span_id = case when ${LATER} then excluded.set_span_id else s.set_span_id end`;

export const UPSERT_ADDED_METRICS = `
insert into public.run_metrics as s (tenant_id, run_id, name, added_value)
select n.tenant_id, n.run_id, m.key, sum(m.value::numeric)
from ${NEW_ROWS}, jsonb_each_text(n.metrics -> 'add') m
group by n.tenant_id, n.run_id, m.key
order by n.tenant_id, n.run_id, m.key collate "C"
on conflict (run_id, tenant_id, name) do update set added_value = coalesce(s.added_value, 0) + excluded.added_value`;
