-- What BI logins may read under the views beside the public tables: the trend buckets and the alerts of their own tenant. Schema runledger
-- stays closed to them: a view reaches its tables by what they are and not by their names.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

create policy bi_own on runledger.trend_buckets for select to runledger_bi
  using (tenant_id = (select runledger.login_tenant(current_user)));
grant select on runledger.trend_buckets to runledger_bi;

-- The views give the start of a run, and its UTC day, as expressions. Without statistics on them PostgreSQL takes a third of all runs for
-- what happened last night and reads whole tables. An adopted enrichment_runs is somebody else's and does without.
do $statistics$
begin
  if (select relowner = 'runledger_owner'::regrole from pg_class where oid = 'public.enrichment_runs'::regclass) then
    create statistics runledger.run_days
      on (coalesce(started_at, first_event_at)), ((coalesce(started_at, first_event_at) at time zone 'UTC')::date)
      from public.enrichment_runs;
  end if;
end
$statistics$;
