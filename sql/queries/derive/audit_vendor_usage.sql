-- Every value of run_vendor_usage that differs from what its run's events say; a row that is missing or one too many also
-- differs as '(row)'.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 floor timestamptz: runs whose first event is older are left
-- out, because their events are gone. $4 limit int. total counts all differing values, whatever the limit.
select
  d.tenant_id,
  d.run_id,
  'run_vendor_usage' as what,
  d.vendor as name,
  v.column_name as "column",
  v.counted,
  v.stored,
  count(*) over () as total
from (
  select
    coalesce(c.tenant_id, s.tenant_id) as tenant_id,
    coalesce(c.run_id, s.run_id) as run_id,
    coalesce(c.vendor, s.vendor) as vendor,
    c.tenant_id is not null as is_counted,
    s.tenant_id is not null as is_stored,
    c.calls as counted_calls,
    s.calls as stored_calls,
    c.errors as counted_errors,
    s.errors as stored_errors,
    c.cost_usd as counted_cost_usd,
    s.cost_usd as stored_cost_usd,
    c.rate_limit_hits as counted_rate_limit_hits,
    s.rate_limit_hits as stored_rate_limit_hits,
    c.quota_exhausted as counted_quota_exhausted,
    s.quota_exhausted as stored_quota_exhausted,
    c.tokens_input as counted_tokens_input,
    s.tokens_input as stored_tokens_input,
    c.tokens_output as counted_tokens_output,
    s.tokens_output as stored_tokens_output,
    c.unpriced_calls as counted_unpriced_calls,
    s.unpriced_calls as stored_unpriced_calls,
    c.unpriced_tokens as counted_unpriced_tokens,
    s.unpriced_tokens as stored_unpriced_tokens
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
) d
cross join lateral (
  values
    ('(row)', d.is_counted::text, d.is_stored::text),
    ('calls', d.counted_calls::text, d.stored_calls::text),
    ('errors', d.counted_errors::text, d.stored_errors::text),
    ('cost_usd', trim_scale(d.counted_cost_usd)::text, trim_scale(d.stored_cost_usd)::text),
    ('rate_limit_hits', d.counted_rate_limit_hits::text, d.stored_rate_limit_hits::text),
    ('quota_exhausted', d.counted_quota_exhausted::text, d.stored_quota_exhausted::text),
    ('tokens_input', d.counted_tokens_input::text, d.stored_tokens_input::text),
    ('tokens_output', d.counted_tokens_output::text, d.stored_tokens_output::text),
    ('unpriced_calls', d.counted_unpriced_calls::text, d.stored_unpriced_calls::text),
    ('unpriced_tokens', d.counted_unpriced_tokens::text, d.stored_unpriced_tokens::text)
) as v (column_name, counted, stored)
where v.counted is distinct from v.stored
order by d.tenant_id, d.run_id, name, v.column_name
limit $4::int
