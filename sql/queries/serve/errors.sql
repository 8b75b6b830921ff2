-- A run's failures by code, most frequent first, with three examples each: items before vendor calls before others, the earliest first.
-- $1 tenant_id, $2 run_id, $3 and $4 the run's first and last event time, $5 groups, $6 examples.
with failed as materialized (
  select e.*
  from public.run_event_logs e
  where e.tenant_id = $1::int
    and e.run_id = $2::bigint
    and e.ts between $3::timestamptz and $4::timestamptz
    and e.status = 'error'
), codes as (
  select f.error_code, count(*) as count, count(distinct f.company_id) as items, min(f.ts) as first_at, max(f.ts) as last_at
  from failed f
  group by f.error_code
), shown as (
  select * from codes c order by c.count desc, c.error_code nulls last limit $5::int
), ranked as (
  select
    f.*,
    row_number() over (
      partition by f.error_code
      order by case f.kind when 'item' then 0 when 'vendor_call' then 1 else 2 end, f.ts, f.span_id, f.seq
    ) as place
  from failed f
)
select jsonb_build_object(
  'run_id', $2,
  'tenant_id', $1,
  'total', (select count(*) from failed),
  'codes', (select count(*) from codes),
  'groups', coalesce(jsonb_agg(
    to_jsonb(s) || jsonb_build_object(
      'kinds', (
        select coalesce(jsonb_object_agg(k.kind, k.count), '{}')
        from (select f.kind, count(*) from failed f where f.error_code is not distinct from s.error_code group by f.kind) k
      ),
      'stages', (
        select coalesce(jsonb_object_agg(k.stage, k.count), '{}')
        from (select f.stage, count(*) from failed f where f.error_code is not distinct from s.error_code group by f.stage) k
      ),
      'vendors', (
        select coalesce(jsonb_object_agg(k.vendor, k.count), '{}')
        from (
          select f.vendor, count(*)
          from failed f
          where f.error_code is not distinct from s.error_code and f.vendor is not null
          group by f.vendor
        ) k
      ),
      'examples', (
        select jsonb_agg(
          to_jsonb(r) - 'run_id' - 'tenant_id' - 'place' || jsonb_build_object('cost_usd', trim_scale(r.cost_usd)::text)
          order by r.place
        )
        from ranked r
        where r.error_code is not distinct from s.error_code and r.place <= $6::int
      )
    )
    order by s.count desc, s.error_code nulls last
  ), '[]')
) as line
from shown s;
