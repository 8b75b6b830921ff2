-- A run's failures by code, most frequent first, with three examples each: items before vendor calls before others, the earliest first.
-- The failures are read once and kept narrow, which lets many of them stay in memory; of the examples alone the whole rows are read.
-- $1 tenant_id, $2 run_id, $3 and $4 the run's first and last event time, $5 groups, $6 examples.
with failed as materialized (
  select e.error_code, e.kind, e.stage, e.vendor, e.company_id, e.ts, e.span_id, e.seq
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.status = 'error'
), parts as materialized (
  select f.error_code, f.kind, f.stage, f.vendor, count(*) as count, min(f.ts) as first_at, max(f.ts) as last_at
  from failed f
  group by f.error_code, f.kind, f.stage, f.vendor
), codes as materialized (
  select p.error_code, sum(p.count)::bigint as count, min(p.first_at) as first_at, max(p.last_at) as last_at
  from parts p
  group by p.error_code
), shown as materialized (
  select * from codes c order by c.count desc, c.error_code nulls last limit $5::int
), items as (
  select i.error_code, count(*) as items
  from (select distinct f.error_code, f.company_id from failed f where f.company_id is not null) i
  group by i.error_code
), examples as (
  select
    k.error_code,
    jsonb_agg(
      to_jsonb(e) - 'run_id' - 'tenant_id' || jsonb_build_object('cost_usd', trim_scale(e.cost_usd)::text) order by k.place
    ) as examples
  from (
    select
      f.error_code,
      f.ts,
      f.span_id,
      f.seq,
      row_number() over (
        partition by f.error_code
        order by case f.kind when 'item' then 0 when 'vendor_call' then 1 else 2 end, f.ts, f.span_id, f.seq
      ) as place
    from failed f
  ) k
  join shown s on s.error_code is not distinct from k.error_code
  cross join lateral (
    select *
    from public.run_event_logs e
    where e.tenant_id = $1
      and e.run_id = $2
      and e.ts between $3 and $4
      and e.ts = k.ts
      and e.span_id = k.span_id
      and e.seq = k.seq
    limit 1
  ) e
  where k.place <= $6::int
  group by k.error_code
)
select jsonb_build_object(
  'run_id', $2,
  'tenant_id', $1,
  'total', (select coalesce(sum(c.count), 0)::bigint from codes c),
  'codes', (select count(*) from codes),
  'groups', coalesce(jsonb_agg(
    to_jsonb(s) || jsonb_build_object(
      'items', coalesce((select i.items from items i where i.error_code is not distinct from s.error_code), 0),
      'kinds', (
        select jsonb_object_agg(k.kind, k.count)
        from (
          select p.kind, sum(p.count)::bigint as count from parts p where p.error_code is not distinct from s.error_code group by p.kind
        ) k
      ),
      'stages', (
        select jsonb_object_agg(k.stage, k.count)
        from (
          select p.stage, sum(p.count)::bigint as count from parts p where p.error_code is not distinct from s.error_code group by p.stage
        ) k
      ),
      'vendors', (
        select coalesce(jsonb_object_agg(k.vendor, k.count), '{}')
        from (
          select p.vendor, sum(p.count)::bigint as count
          from parts p
          where p.error_code is not distinct from s.error_code and p.vendor is not null
          group by p.vendor
        ) k
      ),
      'examples', (select x.examples from examples x where x.error_code is not distinct from s.error_code)
    )
    order by s.count desc, s.error_code nulls last
  ), '[]')
) as line
from shown s;
