-- Relations in public that bear our names before our first migration: somebody else's. Indexes count too, because an index keeps its
-- name when its table is renamed. Each row has the command that moves it out of the way.
with ours (name) as (
  values ('enrichment_runs'), ('run_event_logs'), ('run_stage_stats'), ('run_vendor_usage'), ('run_metrics'), ('qa_samples'),
         ('enrichment_runs_pkey'), ('run_event_logs_pkey'), ('run_stage_stats_pkey'), ('run_vendor_usage_pkey'), ('run_metrics_pkey'),
         ('qa_samples_pkey'), ('enrichment_runs_tenant_run_key'),
         -- Views.
         ('alert_history'), ('latency_trends'), ('model_costs'), ('model_usage_by_run'), ('qa_pass_rates'), ('quality'), ('runs'),
         ('service_levels'), ('stage_latency'), ('tenant_overview'), ('vendor_costs'), ('vendor_usage_by_run')
)
select c.relname::text as name,
       coalesce(t.relname, c.relname)::text as table_name,
       c.relkind = 'r' as is_table,
       format('alter %s public.%I rename to %I;',
         case when c.relkind in ('i', 'I') then 'index' when c.relkind = 'v' then 'view' when c.relkind = 'm' then 'materialized view'
              when c.relkind = 'S' then 'sequence' when c.relkind = 'f' then 'foreign table' else 'table' end,
         c.relname, c.relname || '_before_runledger') as command
from pg_class as c
join ours on ours.name = c.relname
left join pg_index as i on i.indexrelid = c.oid
left join pg_class as t on t.oid = i.indrelid
where c.relnamespace = 'public'::regnamespace
order by c.relkind in ('i', 'I'), c.relname;
