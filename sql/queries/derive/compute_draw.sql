-- The items of a run that are to be drawn for QA now: per bucket with a setting, as many as the limit leaves beside those drawn before,
-- in the order of a hash of the run's name and the item's, so that a replay into another database draws the same. One JSON row each, for
-- store_draw. An item is in the bucket of its latest event that has one, and that event gives the draw its time and span id. What was drawn
-- is told by the samples and by the qa_sampled events, so that a sample which was removed for its age is not drawn again.
-- $1 tenant_id int, $2 run_id bigint, $3 and $4 bounds of ts, $5 events of an item kept in its facts int.
with settings as (
  select distinct on (q.bucket) q.bucket, q.sample_limit, q.checks
  from runledger.qa_settings q
  where q.tenant_id in (0, $1::int)
  order by q.bucket, q.tenant_id desc
), latest as (
  select distinct on (e.company_id)
    e.company_id,
    e.bucket,
    lower(e.bucket collate "C") as setting,
    e.ts,
    e.span_id,
    e.seq,
    -- From 2^52 an item's number is a hash with the tenant's number in it, which need not be the same elsewhere; its text is.
    coalesce(case when e.company_id >= 4503599627370496 then e.extra ->> 'item_id' end, e.company_id::text) as name
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.company_id is not null
    and e.bucket is not null
  order by e.company_id, e.ts desc, e.span_id desc, e.seq desc
), drawn as materialized (
  select s.company_id, lower(s.bucket collate "C") as setting
  from public.qa_samples s
  where s.tenant_id = $1::int and s.run_id = $2::bigint
  union
  select e.company_id, lower((e.extra ->> 'bucket') collate "C")
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.seq = -2
    and e.event = 'qa_sampled'
), open as materialized (
  select s.bucket, s.checks, s.sample_limit - (select count(*) from drawn d where d.setting = s.bucket) as places
  from settings s
), run as (
  select coalesce(r.run_key, r.run_id::text) as name, r.langsmith_trace_url
  from public.enrichment_runs r
  where r.tenant_id = $1::int and r.run_id = $2::bigint
), ranked as (
  select
    l.*,
    o.checks,
    o.places,
    r.langsmith_trace_url,
    row_number() over (
      partition by o.bucket
      order by sha256(convert_to(r.name || '/' || l.name, 'UTF8')), l.company_id
    ) as place
  from latest l
  join open o on o.bucket = l.setting and o.places > 0
  cross join run r
  where not exists (select 1 from drawn d where d.company_id = l.company_id)
), picked as materialized (
  select * from ranked k where k.place <= k.places
), told as (
  select
    e.*,
    row_number() over (partition by e.company_id order by e.ts desc, e.span_id desc, e.seq desc) as age
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.company_id in (select p.company_id from picked p)
), summed as (
  select
    t.company_id,
    count(*) as events_total,
    coalesce(trim_scale(sum(t.cost_usd)), 0)::text as cost_usd,
    coalesce(sum(t.calls) filter (where t.kind = 'vendor_call' and t.cost_usd is null), 0) as unpriced_calls,
    coalesce(sum(t.tokens_input), 0) as tokens_input,
    coalesce(sum(t.tokens_output), 0) as tokens_output,
    jsonb_agg(
      jsonb_strip_nulls(jsonb_build_object(
        'ts', t.ts, 'stage', t.stage, 'kind', t.kind, 'event', t.event, 'status', t.status, 'error_code', t.error_code, 'bucket', t.bucket,
        'vendor', t.vendor, 'duration_ms', t.duration_ms, 'cost_usd', trim_scale(t.cost_usd)::text, 'trace_id', t.trace_id
      ))
      order by t.ts, t.span_id, t.seq
    ) filter (where t.age <= $5::int) as events
  from told t
  group by t.company_id
)
select jsonb_build_object(
  'company_id', p.company_id,
  'bucket', p.bucket,
  'checks', p.checks,
  'ts', p.ts,
  'span_id', p.span_id,
  'stage', t.stage,
  'trace_id', t.trace_id,
  'facts', jsonb_build_object(
    'events', s.events,
    'events_total', s.events_total,
    'cost_usd', s.cost_usd,
    'unpriced_calls', s.unpriced_calls,
    'tokens_input', s.tokens_input,
    'tokens_output', s.tokens_output,
    'extra', t.extra,
    'links', jsonb_build_object('trace_id', t.trace_id, 'langsmith_trace_url', p.langsmith_trace_url)
  )
)::text as line
from picked p
join summed s on s.company_id = p.company_id
join told t on t.company_id = p.company_id and t.ts = p.ts and t.span_id = p.span_id and t.seq = p.seq
order by p.setting, p.place
