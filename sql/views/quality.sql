-- One row a run with the business's rates. Each is null where nothing was measured. A query pays only for what it names: PostgreSQL leaves
-- out a join that adds no row and whose columns nobody wants, and works sub-selects out for the rows it returns. Reads no events.
create or replace view public.quality with (security_invoker = true) as
select
  r.tenant_id,
  r.run_id,
  r.pipeline,
  r.environment,
  r.status as run_status,
  r.excluded,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  coalesce(r.started_at, r.first_event_at) as started_at,
  m.emails_found,
  m.emails_verified,
  round(m.emails_verified / nullif(m.emails_found, 0), 6) as verified_email_rate,
  m.fallback_attempted,
  m.fallback_used,
  round(m.fallback_used / nullif(m.fallback_attempted, 0), 6) as fallback_rate,
  m.lookups_attempted,
  m.lookups_succeeded,
  round(m.lookups_succeeded / nullif(m.lookups_attempted, 0), 6) as lookup_success_rate,
  m.bucket_high,
  m.bucket_medium,
  m.bucket_low,
  (
    select round(s.count_success::numeric / nullif(s.count_total, 0), 6)
    from public.run_stage_stats s
    where s.tenant_id = r.tenant_id and s.run_id = r.run_id and s.stage = 'crawl'
  ) as crawl_success_rate,
  (
    select count(*) from public.qa_samples x where x.tenant_id = r.tenant_id and x.run_id = r.run_id
  ) as qa_samples,
  (
    select count(*) filter (where x.result in ('pass', 'fail')) from public.qa_samples x where x.tenant_id = r.tenant_id and x.run_id = r.run_id
  ) as qa_reviewed,
  (
    select count(*) filter (where x.result = 'pass') from public.qa_samples x where x.tenant_id = r.tenant_id and x.run_id = r.run_id
  ) as qa_passed,
  (
    select count(*) filter (where x.result = 'fail') from public.qa_samples x where x.tenant_id = r.tenant_id and x.run_id = r.run_id
  ) as qa_failed,
  (
    select round(count(*) filter (where x.result = 'pass')::numeric / nullif(count(*) filter (where x.result in ('pass', 'fail')), 0), 6)
    from public.qa_samples x
    where x.tenant_id = r.tenant_id and x.run_id = r.run_id
  ) as qa_pass_rate
from public.enrichment_runs r
left join lateral (
  select
    max(x.value) filter (where x.name = 'emails_found') as emails_found,
    max(x.value) filter (where x.name = 'emails_verified') as emails_verified,
    max(x.value) filter (where x.name = 'fallback_attempted') as fallback_attempted,
    max(x.value) filter (where x.name = 'fallback_used') as fallback_used,
    max(x.value) filter (where x.name = 'lookups_attempted') as lookups_attempted,
    max(x.value) filter (where x.name = 'lookups_succeeded') as lookups_succeeded,
    max(x.value) filter (where x.name = 'bucket_high') as bucket_high,
    max(x.value) filter (where x.name = 'bucket_medium') as bucket_medium,
    max(x.value) filter (where x.name = 'bucket_low') as bucket_low
  from public.run_metrics x
  where x.tenant_id = r.tenant_id and x.run_id = r.run_id
) m on true;

comment on view public.quality is 'Rates of quality per run: verified e-mails, fallbacks, lookups, crawl, QA; null where nothing was measured';
comment on column public.quality.verified_email_rate is 'emails_verified / emails_found, 0 to 1';
comment on column public.quality.fallback_rate is 'fallback_used / fallback_attempted, 0 to 1';
comment on column public.quality.lookup_success_rate is 'lookups_succeeded / lookups_attempted, 0 to 1';
comment on column public.quality.crawl_success_rate is 'Units of stage crawl that succeeded / all of them, 0 to 1';
comment on column public.quality.qa_reviewed is 'Samples that a person called pass or fail; the others wait';
comment on column public.quality.qa_pass_rate is 'qa_passed / qa_reviewed, 0 to 1';
revoke all on public.quality from public;
grant select on public.quality to runledger_reader, runledger_operator, runledger_bi;
