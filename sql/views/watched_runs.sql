-- The runs that alert rules look at: all but those that an operator excluded and those of disabled tenants, with what judging needs to know
-- beside their columns. A run without a start cannot be put in order and is left out. Not granted to anybody: the jobs' owner reads it.
--
--   over_at    from when on it had ended; null while it goes on. The sender's time, or ours where the sender's clock is ahead: nothing was
--              received after that. An abandoned run had ended when it had been silent for half an hour.
--   is_judged  it came to an end that says something (cancelled does not), and was derived since. Until then the run before it counts.
create or replace view runledger.watched_runs with (security_invoker = true) as
select
  r.tenant_id,
  coalesce(r.environment, '') as environment,
  coalesce(r.pipeline, '') as pipeline,
  r.run_id,
  r.status,
  r.started_at,
  r.ended_at,
  r.last_received_at,
  r.complete,
  case r.status
    when 'running' then null
    when 'abandoned' then r.last_received_at + interval '30 minutes'
    else least(coalesce(r.ended_at, r.last_event_at, r.started_at), r.last_received_at)
  end as over_at,
  r.status in ('succeeded', 'failed', 'abandoned')
    and coalesce(r.derived_status = r.status, r.derived_at >= r.ended_at, false) as is_judged
from public.enrichment_runs r
where r.excluded is not true
  and r.started_at is not null
  and not exists (select from runledger.tenants t where t.tenant_id = r.tenant_id and t.status = 'disabled');

revoke all on runledger.watched_runs from public;

-- Of each pipeline the watched run that started last (of equal starts the larger run_id) among those that had ended by as_of: what a rule
-- about runs looks at. only_judged leaves out those that were not derived since they ended.
create or replace function runledger.latest_runs(
  as_of timestamptz, statuses text[] default '{succeeded,failed,abandoned}', only_judged boolean default true)
returns setof runledger.watched_runs
language sql stable
as $$
  select distinct on (r.tenant_id, r.environment, r.pipeline) r.*
  from (
    select w.tenant_id, w.environment, w.pipeline, max(w.started_at) as started_at
    from runledger.watched_runs w
    where w.status = any (statuses) and w.over_at <= as_of and (w.is_judged or not only_judged)
    group by w.tenant_id, w.environment, w.pipeline
  ) n
  join runledger.watched_runs r
    on r.tenant_id = n.tenant_id and r.environment = n.environment and r.pipeline = n.pipeline and r.started_at = n.started_at
  where r.status = any (statuses) and r.over_at <= as_of and (r.is_judged or not only_judged)
  order by r.tenant_id, r.environment, r.pipeline, r.run_id desc
$$;
revoke all on function runledger.latest_runs(timestamptz, text[], boolean) from public;
