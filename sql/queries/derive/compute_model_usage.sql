-- What a run used of each model of a vendor, counted from its events: one JSON row each, for store_model_usage. The same rows count as in
-- run_vendor_usage. Of a vendor the $5 models that cost most stand for themselves, the rest together as _other; calls without a model
-- always stand apart. The snapshots of a model (gpt-4o-2024-08-06) are the model: a call that failed names the one that was asked for, and its
-- answer would have named the snapshot. $1 tenant_id int, $2 run_id bigint, $3 and $4 bounds of ts, $5 models of a vendor at most.
with counted as materialized (
  select
    e.vendor,
    runledger.event_model(e.extra, e.price_id) collate "C" as model,
    sum(e.calls) as calls,
    sum(e.errors) as errors,
    coalesce(sum(case when e.extra ->> 'runledger.units' ~ '^[0-9]{1,12}$' then (e.extra ->> 'runledger.units')::bigint end), 0) as units,
    sum(e.tokens_input) as tokens_input,
    sum(e.tokens_output) as tokens_output,
    coalesce(sum(e.cost_usd), 0) as cost_usd,
    coalesce(sum(e.calls) filter (where e.cost_usd is null), 0) as unpriced_calls,
    coalesce(sum(e.tokens_input + e.tokens_output) filter (where e.cost_usd is null), 0) as unpriced_tokens
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.kind = 'vendor_call'
    and e.vendor is not null
  group by 1, 2
), named as (
  select
    c.vendor,
    regexp_replace(c.model, '[-@]20[0-9]{2}-?[0-9]{2}-?[0-9]{2}$', '') as model,
    sum(c.calls) as calls,
    sum(c.errors) as errors,
    sum(c.units) as units,
    sum(c.tokens_input) as tokens_input,
    sum(c.tokens_output) as tokens_output,
    sum(c.cost_usd) as cost_usd,
    sum(c.unpriced_calls) as unpriced_calls,
    sum(c.unpriced_tokens) as unpriced_tokens
  from counted c
  group by 1, 2
), placed as (
  select
    n.*,
    row_number() over (partition by n.vendor order by n.model <> '', n.cost_usd desc, n.tokens_input + n.tokens_output desc, n.calls desc, n.model)
      - max((n.model = '')::int) over (partition by n.vendor) as place
  from named n
)
select json_build_object(
  'vendor', p.vendor,
  'model', case when p.place > $5::int then '_other' else p.model end,
  'calls', sum(p.calls),
  'errors', sum(p.errors),
  'units', sum(p.units),
  'tokens_input', sum(p.tokens_input),
  'tokens_output', sum(p.tokens_output),
  'cost_usd', sum(p.cost_usd)::text,
  'unpriced_calls', sum(p.unpriced_calls),
  'unpriced_tokens', sum(p.unpriced_tokens)
)::text as line
from placed p
group by p.vendor, case when p.place > $5 then '_other' else p.model end
order by p.vendor, case when p.place > $5 then '_other' else p.model end
