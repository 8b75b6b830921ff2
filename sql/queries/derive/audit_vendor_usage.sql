-- Every value of run_vendor_usage that differs from what its run's events say; a row that is missing or one too many also
-- differs as '(row)'. Beside them the sums over the models of each vendor, which derive keeps: of runs that it need not look at again.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 floor timestamptz: runs whose first event is older are left
-- out, because their events are gone. $4 limit int. total counts all differing values, whatever the limit.
select
  coalesce(c.tenant_id, s.tenant_id, m.tenant_id) as tenant_id,
  coalesce(c.run_id, s.run_id, m.run_id) as run_id,
  v.what,
  coalesce(c.vendor, s.vendor, m.vendor) as name,
  v.column_name as "column",
  v.counted,
  v.stored,
  count(*) over () as total
from (
  select w.*
  from runledger.recounted_vendor_usage w
  where ($1::int is null or w.tenant_id = $1)
    and ($2::bigint is null or w.run_id = $2)
    and not exists (
      select 1
      from public.enrichment_runs r
      where r.tenant_id = w.tenant_id and r.run_id = w.run_id and r.first_event_at < $3::timestamptz
    )
) c
full join (
  select t.*
  from public.run_vendor_usage t
  where ($1::int is null or t.tenant_id = $1)
    and ($2::bigint is null or t.run_id = $2)
    and not exists (
      select 1
      from public.enrichment_runs r
      where r.tenant_id = t.tenant_id and r.run_id = t.run_id and r.first_event_at < $3::timestamptz
    )
) s on s.tenant_id = c.tenant_id and s.run_id = c.run_id and s.vendor = c.vendor
full join (
  select
    t.tenant_id,
    t.run_id,
    t.vendor,
    sum(t.calls) as calls,
    sum(t.errors) as errors,
    sum(t.cost_usd) as cost_usd,
    sum(t.tokens_input) as tokens_input,
    sum(t.tokens_output) as tokens_output,
    sum(t.unpriced_calls) as unpriced_calls,
    sum(t.unpriced_tokens) as unpriced_tokens
  from runledger.model_usage t
  where ($1::int is null or t.tenant_id = $1) and ($2::bigint is null or t.run_id = $2)
  group by t.tenant_id, t.run_id, t.vendor
) m on m.tenant_id = coalesce(c.tenant_id, s.tenant_id) and m.run_id = coalesce(c.run_id, s.run_id)
  and m.vendor = coalesce(c.vendor, s.vendor)
left join (
  select r.tenant_id, r.run_id
  from public.enrichment_runs r
  where ($1::int is null or r.tenant_id = $1)
    and ($2::bigint is null or r.run_id = $2)
    and r.derived_at is not null
    and (r.first_event_at < $3::timestamptz) is not true
    and not exists (select 1 from runledger.dirty_runs y where y.tenant_id = r.tenant_id and y.run_id = r.run_id)
) derived on derived.tenant_id = coalesce(c.tenant_id, s.tenant_id, m.tenant_id)
  and derived.run_id = coalesce(c.run_id, s.run_id, m.run_id)
cross join lateral (
  values
    ('run_vendor_usage', '(row)', (c.tenant_id is not null)::text, (s.tenant_id is not null)::text),
    ('run_vendor_usage', 'calls', c.calls::text, s.calls::text),
    ('run_vendor_usage', 'errors', c.errors::text, s.errors::text),
    ('run_vendor_usage', 'cost_usd', trim_scale(c.cost_usd)::text, trim_scale(s.cost_usd)::text),
    ('run_vendor_usage', 'rate_limit_hits', c.rate_limit_hits::text, s.rate_limit_hits::text),
    ('run_vendor_usage', 'quota_exhausted', c.quota_exhausted::text, s.quota_exhausted::text),
    ('run_vendor_usage', 'tokens_input', c.tokens_input::text, s.tokens_input::text),
    ('run_vendor_usage', 'tokens_output', c.tokens_output::text, s.tokens_output::text),
    ('run_vendor_usage', 'unpriced_calls', c.unpriced_calls::text, s.unpriced_calls::text),
    ('run_vendor_usage', 'unpriced_tokens', c.unpriced_tokens::text, s.unpriced_tokens::text),
    ('model_usage', 'calls', c.calls::text, m.calls::text),
    ('model_usage', 'errors', c.errors::text, m.errors::text),
    ('model_usage', 'tokens_input', c.tokens_input::text, m.tokens_input::text),
    ('model_usage', 'tokens_output', c.tokens_output::text, m.tokens_output::text),
    ('model_usage', 'unpriced_calls', c.unpriced_calls::text, m.unpriced_calls::text),
    ('model_usage', 'unpriced_tokens', c.unpriced_tokens::text, m.unpriced_tokens::text),
    ('model_usage', 'cost_usd', trim_scale(c.cost_usd)::text, trim_scale(m.cost_usd)::text)
) as v (what, column_name, counted, stored)
where v.counted is distinct from v.stored and (v.what = 'run_vendor_usage' or derived.run_id is not null)
order by tenant_id, run_id, v.what desc, name, v.column_name
limit $4::int
