-- Every value of run_vendor_usage that differs from what its run's events say; a row that is missing or one too many also
-- differs as '(row)'.
-- $1 tenant_id int or null, $2 run_id bigint or null: only this one. $3 floor timestamptz: runs whose first event is older are left
-- out, because their events are gone. $4 limit int. total counts all differing values, whatever the limit.
select
  coalesce(c.tenant_id, s.tenant_id) as tenant_id,
  coalesce(c.run_id, s.run_id) as run_id,
  'run_vendor_usage' as what,
  coalesce(c.vendor, s.vendor) as name,
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
cross join lateral (
  values
    ('(row)', (c.tenant_id is not null)::text, (s.tenant_id is not null)::text),
    ('calls', c.calls::text, s.calls::text),
    ('errors', c.errors::text, s.errors::text),
    ('cost_usd', trim_scale(c.cost_usd)::text, trim_scale(s.cost_usd)::text),
    ('rate_limit_hits', c.rate_limit_hits::text, s.rate_limit_hits::text),
    ('quota_exhausted', c.quota_exhausted::text, s.quota_exhausted::text),
    ('tokens_input', c.tokens_input::text, s.tokens_input::text),
    ('tokens_output', c.tokens_output::text, s.tokens_output::text),
    ('unpriced_calls', c.unpriced_calls::text, s.unpriced_calls::text),
    ('unpriced_tokens', c.unpriced_tokens::text, s.unpriced_tokens::text)
) as v (column_name, counted, stored)
where v.counted is distinct from v.stored
order by tenant_id, run_id, name, v.column_name
limit $4::int
