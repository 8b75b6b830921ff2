-- A quantile over the durations of any set of trend rows, in milliseconds; null without samples. Rows are merged by adding their
-- buckets, and the quantile interpolates between ranks as percentile_cont does. It is exact for durations up to 50 ms and within 1% of
-- percentile_cont beyond: a duration is known as that number of its bucket whose relative distance to both ends is the same.
--
--   select t.stage, runledger.trend_quantile(array_agg(t), 0.95) as p95_ms
--   from runledger.trend_buckets t join public.enrichment_runs r using (tenant_id, run_id)
--   where t.class = 'item' and r.pipeline = 'nightly' and r.started_at > now() - interval '1 year'
--   group by t.stage;
--
-- Error: 22003 for a fraction that is not between 0 and 1.
create or replace function runledger.trend_quantile(trend_rows runledger.trend_buckets[], fraction double precision)
returns double precision
language plpgsql immutable strict
as $$
declare
  quantile double precision;
begin
  if not fraction between 0 and 1 then
    raise exception 'percentile value % is not between 0 and 1', fraction using errcode = 'numeric_value_out_of_range';
  end if;
  with merged as (
    select p.index, sum(p.count) as count
    from (
      select b.index, b.count
      from unnest(trend_rows) as t
      cross join lateral unnest(t.bucket_index, t.bucket_count) as b (index, count)
      union all
      select -1, t.zeros from unnest(trend_rows) as t
    ) p
    where p.count > 0
    group by p.index
  ), ranked as (
    -- Durations are whole milliseconds, so a bucket reaches from the first to the last whole number in it.
    select
      ceil(power(1.02::double precision, m.index)) as least_ms,
      greatest(
        ceil(power(1.02::double precision, m.index)),
        ceil(power(1.02::double precision, m.index + 1)) - 1
      ) as greatest_ms,
      m.index,
      sum(m.count) over (order by m.index) as end_rank,
      sum(m.count) over () as samples
    from merged m
  ), target as (
    select fraction * (r.samples - 1)::double precision as rank from ranked r limit 1
  ), neighbours as (
    select
      t.rank,
      (select v.end_rank from ranked v where v.end_rank > floor(t.rank) order by v.end_rank limit 1) as low,
      (select v.end_rank from ranked v where v.end_rank > ceil(t.rank) order by v.end_rank limit 1) as high
    from target t
  ), known as (
    select
      r.end_rank,
      case when r.index < 0 then 0 else 2 * r.least_ms * r.greatest_ms / (r.least_ms + r.greatest_ms) end as value_ms
    from ranked r
  )
  select l.value_ms + (n.rank - floor(n.rank)) * (h.value_ms - l.value_ms)
  into quantile
  from neighbours n
  join known l on l.end_rank = n.low
  join known h on h.end_rank = n.high;
  return quantile;
end
$$;
revoke all on function runledger.trend_quantile(runledger.trend_buckets[], double precision) from public;
grant execute on function runledger.trend_quantile(runledger.trend_buckets[], double precision)
  to runledger_reader, runledger_operator;
