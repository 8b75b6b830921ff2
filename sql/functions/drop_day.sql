-- Retention: the checksum of the books of runs whose events are partly gone, and the drop of a day that refuses while a book is open.

-- Per run a checksum of the sums that its events before kept_from left in the counters: the stored counters less what the events from
-- kept_from on add to them. So it stays the same whatever arrives for the days that are kept, and after the drop it can still be
-- compared. Registers (states, times, metrics that are set) are not sums and not in it. Runs without a row in enrichment_runs have none.
create or replace function runledger.closed_books(tenant_ids int[], run_ids bigint[], kept_from timestamptz)
returns table (tenant_id int, run_id bigint, checksum text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with runs as (
    select r.tenant_id, r.run_id, r.first_event_at, r.last_event_at, r.sent_statements, r.sent_stages, r.sent_items,
      r.sent_vendor_calls, r.sent_dropped, r.stored_stages, r.stored_items, r.stored_vendor_calls
    from (select distinct u.t, u.r from unnest($1, $2) as u (t, r)) as k
    join public.enrichment_runs as r on r.tenant_id = k.t and r.run_id = k.r
  ),
  kept as (
    select e.tenant_id, e.run_id, e.kind, e.seq, e.event, e.stage, e.vendor, e.units_total, e.units_success, e.units_error, e.calls,
      e.errors, e.rate_limit_hits, e.cost_usd, e.tokens_input, e.tokens_output, e.duration_ms, e.metrics
    from runs as r
    join public.run_event_logs as e on e.tenant_id = r.tenant_id and e.run_id = r.run_id and e.ts >= $3
    where r.last_event_at >= $3
  ),
  sums as (
    select s.tenant_id, s.run_id, 'run_stage_stats' as what, s.stage::text collate "C" as name,
      s.count_total as a, s.count_success as b, s.count_error as c, s.tokens_input as d, s.tokens_output as e, s.duration_ms as f,
      s.retry_count as g, s.fallback_count as h, s.cost_usd as money
    from runs as r join public.run_stage_stats as s on s.tenant_id = r.tenant_id and s.run_id = r.run_id
    union all
    select k.tenant_id, k.run_id, 'run_stage_stats', k.stage, -k.units_total, -k.units_success, -k.units_error, -k.tokens_input,
      -k.tokens_output, -coalesce(case when k.kind = 'stage' and k.seq = 1 then k.duration_ms end, 0),
      -(k.kind = 'event' and k.event = 'retry')::int, -(k.kind = 'event' and k.event = 'fallback')::int, -coalesce(k.cost_usd, 0)
    from kept as k
    where (k.kind in ('stage', 'item', 'vendor_call') or (k.kind = 'event' and k.event in ('retry', 'fallback'))) and k.stage <> '_run'
    union all
    select s.tenant_id, s.run_id, 'run_vendor_usage', s.vendor, s.calls, s.errors, s.rate_limit_hits, s.tokens_input, s.tokens_output,
      s.unpriced_calls, s.unpriced_tokens, 0, s.cost_usd
    from runs as r join public.run_vendor_usage as s on s.tenant_id = r.tenant_id and s.run_id = r.run_id
    union all
    select k.tenant_id, k.run_id, 'run_vendor_usage', k.vendor, -k.calls, -k.errors, -k.rate_limit_hits, -k.tokens_input,
      -k.tokens_output, case when k.cost_usd is null then -k.calls else 0 end,
      case when k.cost_usd is null then -(k.tokens_input + k.tokens_output) else 0 end, 0, -coalesce(k.cost_usd, 0)
    from kept as k
    where k.kind = 'vendor_call' and k.vendor is not null
    union all
    select s.tenant_id, s.run_id, 'run_metrics', s.name, 0, 0, 0, 0, 0, 0, 0, 0, coalesce(s.added_value, 0)
    from runs as r join public.run_metrics as s on s.tenant_id = r.tenant_id and s.run_id = r.run_id
    union all
    select k.tenant_id, k.run_id, 'run_metrics', n.key, 0, 0, 0, 0, 0, 0, 0, 0, -n.value::numeric
    from kept as k cross join lateral jsonb_each_text(k.metrics -> 'add') as n (key, value)
    where k.metrics is not null
    union all
    select r.tenant_id, r.run_id, 'enrichment_runs', '', r.sent_statements, r.sent_stages, r.sent_items, r.sent_vendor_calls,
      r.sent_dropped, r.stored_stages, r.stored_items, r.stored_vendor_calls, coalesce(extract(epoch from r.first_event_at), 0)
    from runs as r
    union all
    select k.tenant_id, k.run_id, 'enrichment_runs', '', -(k.metrics ? 'sent' and k.kind = 'run')::int,
      -coalesce(case when k.kind = 'run' then (k.metrics #>> '{sent,stages}')::bigint end, 0),
      -coalesce(case when k.kind = 'run' then (k.metrics #>> '{sent,items}')::bigint end, 0),
      -coalesce(case when k.kind = 'run' then (k.metrics #>> '{sent,vendor_calls}')::bigint end, 0),
      -coalesce(case when k.kind = 'run' then (k.metrics #>> '{sent,dropped}')::bigint end, 0),
      -(k.kind = 'stage')::int, -(k.kind = 'item')::int, -(k.kind = 'vendor_call')::int, 0
    from kept as k
    where k.seq = 1 and k.kind in ('run', 'stage', 'item', 'vendor_call')
  ),
  books as (
    select s.tenant_id, s.run_id, s.what, s.name, sum(s.a) as a, sum(s.b) as b, sum(s.c) as c, sum(s.d) as d, sum(s.e) as e,
      sum(s.f) as f, sum(s.g) as g, sum(s.h) as h, trim_scale(sum(s.money)) as money
    from sums as s
    group by s.tenant_id, s.run_id, s.what, s.name
  )
  select b.tenant_id, b.run_id, encode(sha256(convert_to(
      string_agg(concat_ws(' ', b.what, b.name, b.a, b.b, b.c, b.d, b.e, b.f, b.g, b.h, b.money), e'\n'
        order by b.what collate "C", b.name collate "C"), 'UTF8')), 'hex')
  from books as b
  -- A stage or vendor that only the kept events know left nothing behind.
  where (b.a, b.b, b.c, b.d, b.e, b.f, b.g, b.h, b.money) is distinct from (0, 0, 0, 0, 0, 0, 0, 0, 0)
  group by b.tenant_id, b.run_id
$$;

-- Drops the partition of a day for good, in the caller's transaction, and moves the retention floor behind it. Resolves to the bytes given
-- back; 0 when the day has no partition. Give the transaction a short lock_timeout: dropping waits for whoever reads or writes events, and
-- everybody else waits behind it.
-- Errors: RL003 when a run with events before the next day is not sealed, or changed since it was; seal again, then drop.
create or replace function runledger.drop_day(day date) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  partition_name name := 'events_' || to_char(day, 'YYYYMMDD');
  next_day_at timestamptz := (day + 1)::timestamp at time zone 'UTC';
  is_there boolean;
  is_open boolean;
  bytes bigint := 0;
begin
  if day is null or day not between date '2000-01-01' and date '2100-12-31' then
    raise exception 'no day partition for %: days run from 2000-01-01 to 2100-12-31', day using errcode = 'RL002';
  end if;
  -- First, because it waits for those who hold the floor where it is: makers of partitions, and rebuild and derive of a single run.
  update runledger.retention as r set floor_day = greatest(r.floor_day, day + 1);
  perform pg_advisory_xact_lock(hashtextextended('runledger.partitions', 0));
  select exists (
    select from pg_class as c
    join pg_inherits as i on i.inhrelid = c.oid and i.inhparent = 'public.run_event_logs'::regclass
    where c.relname = partition_name and c.relnamespace = 'runledger'::regnamespace
  ) into is_there;
  if is_there then
    -- No writer is half-way from here on, and none begins; readers still go on.
    execute format('lock table runledger.%I in share mode', partition_name);
  end if;

  select exists (
    select from public.enrichment_runs as r
    where r.first_event_at < next_day_at
      and not exists (select from runledger.sealed_runs as s where s.tenant_id = r.tenant_id and s.run_id = r.run_id)
  ) or exists (
    select from runledger.sealed_runs as s
    left join runledger.closed_books(
      (select array_agg(n.tenant_id order by n.tenant_id, n.run_id) from runledger.sealed_runs as n where n.dropped_until = day + 1),
      (select array_agg(n.run_id order by n.tenant_id, n.run_id) from runledger.sealed_runs as n where n.dropped_until = day + 1),
      next_day_at) as b on b.tenant_id = s.tenant_id and b.run_id = s.run_id
    where s.dropped_until = day + 1 and b.checksum is distinct from s.checksum
  ) into is_open;
  if is_open then
    raise exception 'the day % is not dropped: a run with events in it is not sealed, or changed since', day
      using errcode = 'RL003', hint = 'Run: runledger job run retention';
  end if;

  if is_there then
    execute format('select pg_total_relation_size(%L::regclass)', 'runledger.' || quote_ident(partition_name)) into bytes;
    execute format('drop table runledger.%I', partition_name);
  end if;
  return bytes;
end
$$;

revoke all on function runledger.closed_books(int[], bigint[], timestamptz) from public;
revoke all on function runledger.drop_day(date) from public;
grant execute on function runledger.closed_books(int[], bigint[], timestamptz) to runledger_operator;
