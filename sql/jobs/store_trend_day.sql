-- Merges the trend rows of a day's runs, all from one snapshot with their fingerprint; nothing when the runs are not worth it or one of them
-- has no fingerprint. The day's earlier rows are gone. $1 tenant_id int, $2 pipeline text, $3 environment text, $4 day date, $5 runs that
-- make it worth it.
insert into runledger.trend_days (
  tenant_id, pipeline, environment, day, stage, class, is_main, trends_hash, runs, samples, zeros, bucket_index, bucket_count
)
with runs as materialized (
  select r.tenant_id, r.run_id, r.trends_hash
  from public.enrichment_runs r
  where r.tenant_id = $1::int
    and r.pipeline = $2::text
    and r.environment = $3::text
    and r.status <> 'running'
    and not r.excluded
    and (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date = $4::date
    -- The same again as the index on started_at has it.
    and (r.started_at is null or r.started_at >= $4::date at time zone 'UTC')
    and (r.started_at is null or r.started_at < ($4::date + 1) at time zone 'UTC')
), whole as (
  select case when count(*) >= $5::int and count(*) = count(r.trends_hash) then nullif(bit_xor(r.trends_hash), 0) end as trends_hash
  from runs r
), ranked as (
  select
    t.stage,
    t.class,
    t.samples,
    t.zeros,
    t.bucket_index,
    t.bucket_count,
    t.samples > 0 and t.stage <> '_run' and p.place = min(p.place) over (partition by t.run_id, t.stage) as is_main
  from runs r
  join runledger.trend_buckets t on t.tenant_id = r.tenant_id and t.run_id = r.run_id
  -- The order in which derive chooses the class of a stage's percentiles.
  cross join lateral (
    select case when t.samples > 0 then array_position(array['item', 'vendor_call', 'stage'], t.class::text) else 9 end as place
  ) p
), totals as (
  select k.stage, k.class, k.is_main, count(*) as runs, sum(k.samples)::bigint as samples, sum(k.zeros)::bigint as zeros
  from ranked k
  group by k.stage, k.class, k.is_main
), counted as (
  select b.stage, b.class, b.is_main, b.index, sum(b.count)::bigint as count
  from (select k.stage, k.class, k.is_main, unnest(k.bucket_index) as index, unnest(k.bucket_count) as count from ranked k) b
  group by b.stage, b.class, b.is_main, b.index
), buckets as (
  select
    c.stage, c.class, c.is_main, array_agg(c.index order by c.index) as bucket_index, array_agg(c.count order by c.index) as bucket_count
  from counted c
  group by c.stage, c.class, c.is_main
)
select
  $1::int,
  $2::text,
  $3::text,
  $4::date,
  t.stage,
  t.class,
  coalesce(t.is_main, false),
  w.trends_hash,
  t.runs,
  t.samples,
  t.zeros,
  coalesce(b.bucket_index, '{}'),
  coalesce(b.bucket_count, '{}')
from totals t
cross join whole w
left join buckets b on b.stage = t.stage and b.class = t.class and b.is_main is not distinct from t.is_main
where w.trends_hash is not null
