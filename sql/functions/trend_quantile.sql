-- Quantiles over the durations of any set of trend rows, in milliseconds; null without samples. Rows are merged by adding their
-- buckets, and a quantile interpolates between ranks as percentile_cont does. It is exact for durations up to 50 ms and within 1% of
-- percentile_cont beyond: a duration is known as that number of its bucket whose relative distance to both ends is the same.
--
--   select t.stage, runledger.trend_quantile(array_agg(t), 0.95) as p95_ms
--   from runledger.trend_buckets t join public.enrichment_runs r using (tenant_id, run_id)
--   where t.class = 'item' and r.pipeline = 'nightly' and r.started_at > now() - interval '1 year'
--   group by t.stage;
--
-- Merging is nearly all the work, so several fractions of the same rows are best asked for at once.
--
-- Error: 22003 for a fraction that is not between 0 and 1.
create or replace function runledger.trend_quantiles(trend_rows runledger.trend_buckets[], fractions double precision[])
returns double precision[]
language plpgsql immutable strict parallel safe
as $$
declare
  base constant double precision := 1.02;
  buckets int[];
  end_ranks double precision[];
  fraction double precision;
  rank double precision;
  bucket int;
  least_ms double precision;
  greatest_ms double precision;
  known_ms double precision[];
  quantiles double precision[] := '{}';
begin
  select array_agg(m.index order by m.index), array_agg(m.end_rank order by m.index)
  into buckets, end_ranks
  from (
    select p.index, sum(sum(p.count)) over (order by p.index) as end_rank
    from (
      select unnest(t.bucket_index) as index, unnest(t.bucket_count)::double precision as count
      from unnest(trend_rows) as t
      union all
      select -1, t.zeros::double precision from unnest(trend_rows) as t
    ) p
    where p.count > 0
    group by p.index
  ) m;
  foreach fraction in array fractions loop
    if not fraction between 0 and 1 then
      raise exception 'percentile value % is not between 0 and 1', fraction using errcode = 'numeric_value_out_of_range';
    end if;
    rank := fraction * (end_ranks[cardinality(end_ranks)] - 1);
    known_ms := '{}';
    foreach bucket in array array[
      buckets[width_bucket(floor(rank), end_ranks) + 1],
      buckets[width_bucket(ceil(rank), end_ranks) + 1]
    ] loop
      -- Durations are whole milliseconds, so a bucket reaches from the first to the last whole number in it.
      least_ms := ceil(power(base, bucket));
      greatest_ms := greatest(least_ms, ceil(power(base, bucket + 1)) - 1);
      known_ms := known_ms || case when bucket < 0 then 0 else 2 * least_ms * greatest_ms / (least_ms + greatest_ms) end;
    end loop;
    quantiles := quantiles || (known_ms[1] + (rank - floor(rank)) * (known_ms[2] - known_ms[1]));
  end loop;
  return quantiles;
end
$$;

-- One of them.
create or replace function runledger.trend_quantile(trend_rows runledger.trend_buckets[], fraction double precision)
returns double precision
language plpgsql immutable strict parallel safe
as $$
begin
  return (runledger.trend_quantiles(trend_rows, array[fraction]))[1];
end
$$;

revoke all on function runledger.trend_quantiles(runledger.trend_buckets[], double precision[]) from public;
revoke all on function runledger.trend_quantile(runledger.trend_buckets[], double precision) from public;
grant execute on function runledger.trend_quantiles(runledger.trend_buckets[], double precision[])
  to runledger_reader, runledger_operator, runledger_bi;
grant execute on function runledger.trend_quantile(runledger.trend_buckets[], double precision)
  to runledger_reader, runledger_operator, runledger_bi;
