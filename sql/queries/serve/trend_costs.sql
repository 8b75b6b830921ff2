-- What vendors and models cost by period of the runs' start, in one line; all runs count, because they are paid for. Models beyond the $7 that
-- cost most in the time are one, `_other`. $1 tenant_id or null, $2 pipeline, $3 environment, $4 previous: what lies between it and the first
-- period is summed up as the time before, period 0, $5 where the periods begin, ascending, $6 to, $7 models at most.
with runs as materialized (
  select
    r.tenant_id,
    r.run_id,
    width_bucket(r.started_at, $5::timestamptz[]) as period
  from public.enrichment_runs r
  where ($1::int is null or r.tenant_id = $1)
    and ($2::text is null or r.pipeline = $2)
    and ($3::text is null or r.environment = $3)
    and r.started_at >= $4::timestamptz
    and r.started_at < $6::timestamptz
), used as materialized (
  select
    r.period,
    m.vendor,
    m.model,
    sum(m.calls) as calls,
    sum(m.errors) as errors,
    sum(m.units) as units,
    sum(m.tokens_input) as tokens_input,
    sum(m.tokens_output) as tokens_output,
    sum(m.cost_usd) as cost_usd,
    bool_and(m.unpriced_calls = 0 and m.unpriced_tokens = 0) as cost_complete
  from runs r
  join runledger.model_usage m on m.tenant_id = r.tenant_id and m.run_id = r.run_id
  group by 1, 2, 3
), named as (
  select
    u.vendor,
    u.model,
    row_number() over (order by sum(u.cost_usd) filter (where u.period > 0) desc nulls last, sum(u.cost_usd) desc, sum(u.calls) desc,
      u.vendor, u.model) as place
  from used u
  group by 1, 2
), shown as (
  select
    case when n.place <= $7::int then u.vendor else '_other' end as vendor,
    case when n.place <= $7 then u.model else '' end as model,
    min(n.place) as place,
    coalesce(sum(u.calls) filter (where u.period > 0), 0)::bigint as calls,
    coalesce(sum(u.errors) filter (where u.period > 0), 0)::bigint as errors,
    coalesce(sum(u.units) filter (where u.period > 0), 0)::bigint as units,
    coalesce(sum(u.tokens_input) filter (where u.period > 0), 0)::bigint as tokens_input,
    coalesce(sum(u.tokens_output) filter (where u.period > 0), 0)::bigint as tokens_output,
    coalesce(sum(u.cost_usd) filter (where u.period > 0), 0) as cost_usd,
    coalesce(bool_and(u.cost_complete) filter (where u.period > 0), true) as cost_complete,
    coalesce(sum(u.cost_usd) filter (where u.period = 0), 0) as previous_cost_usd,
    coalesce(bool_and(u.cost_complete) filter (where u.period = 0), true) as previous_cost_complete
  from used u
  join named n on n.vendor = u.vendor and n.model = u.model
  group by 1, 2
), points as (
  select
    case when n.place <= $7 then u.vendor else '_other' end as vendor,
    case when n.place <= $7 then u.model else '' end as model,
    u.period,
    trim_scale(sum(u.cost_usd))::text as cost_usd
  from used u
  join named n on n.vendor = u.vendor and n.model = u.model
  where u.period > 0
  group by 1, 2, 3
), delivered as (
  select
    sum(m.value) filter (where r.period > 0) as items,
    sum(m.value) filter (where r.period = 0) as previous_items
  from runs r
  join public.run_metrics m on m.tenant_id = r.tenant_id and m.run_id = r.run_id and m.name = 'items_delivered'
), total as (
  select
    coalesce(sum(s.cost_usd), 0) as cost_usd,
    coalesce(bool_and(s.cost_complete), true) as cost_complete,
    coalesce(sum(s.previous_cost_usd), 0) as previous_cost_usd,
    coalesce(bool_and(s.previous_cost_complete), true) as previous_cost_complete
  from shown s
)
select json_build_object(
  'total', (
    select json_build_object(
      'runs', (select count(*) from runs r where r.period > 0),
      'cost_usd', trim_scale(t.cost_usd)::text,
      'cost_complete', t.cost_complete,
      'items_delivered', d.items,
      'usd_per_thousand_items', trim_scale(round(t.cost_usd * 1000 / nullif(d.items, 0), 6))::text
    )
    from total t cross join delivered d
  ),
  'previous', (
    select json_build_object(
      'runs', (select count(*) from runs r where r.period = 0),
      'cost_usd', trim_scale(t.previous_cost_usd)::text,
      'cost_complete', t.previous_cost_complete,
      'items_delivered', d.previous_items,
      'usd_per_thousand_items', trim_scale(round(t.previous_cost_usd * 1000 / nullif(d.previous_items, 0), 6))::text
    )
    from total t cross join delivered d
  ),
  'models', (
    select coalesce(
      json_agg(
        json_build_object(
          'vendor', s.vendor,
          'model', nullif(s.model, ''),
          'calls', s.calls,
          'errors', s.errors,
          'units', s.units,
          'tokens_input', s.tokens_input,
          'tokens_output', s.tokens_output,
          'cost_usd', trim_scale(s.cost_usd)::text,
          'cost_complete', s.cost_complete,
          'share', round(s.cost_usd / nullif(t.cost_usd, 0), 6),
          'usd_per_thousand_items', trim_scale(round(s.cost_usd * 1000 / nullif(d.items, 0), 6))::text,
          'previous_cost_usd', trim_scale(s.previous_cost_usd)::text,
          'previous_cost_complete', s.previous_cost_complete,
          'points', (
            select coalesce(json_agg(json_build_object('period', p.period, 'cost_usd', p.cost_usd) order by p.period), '[]')
            from points p
            where p.vendor = s.vendor and p.model = s.model
          )
        )
        order by s.vendor = '_other', s.place
      ),
      '[]'
    )
    from shown s cross join total t cross join delivered d
  )
) as line;
