-- QA by run, bucket and reviewer. Only samples that a person called pass or fail are in it: what nobody looked at is neither. Reads no events.
create or replace view public.qa_pass_rates with (security_invoker = true) as
select
  q.tenant_id,
  q.run_id,
  r.pipeline,
  r.environment,
  (coalesce(r.started_at, r.first_event_at) at time zone 'UTC')::date as day,
  coalesce(r.started_at, r.first_event_at) as started_at,
  q.bucket,
  q.reviewer,
  count(*) as reviewed,
  count(*) filter (where q.result = 'pass') as passed,
  count(*) filter (where q.result = 'fail') as failed,
  round(count(*) filter (where q.result = 'pass') / count(*)::numeric, 6) as pass_rate,
  max(q.reviewed_at) as last_reviewed_at
from public.qa_samples q
join public.enrichment_runs r on r.tenant_id = q.tenant_id and r.run_id = q.run_id
where q.result in ('pass', 'fail')
group by 1, 2, 3, 4, 5, 6, 7, 8;

comment on view public.qa_pass_rates is 'Reviewed QA samples per run, bucket and reviewer';
comment on column public.qa_pass_rates.started_at is 'When the run started';
comment on column public.qa_pass_rates.reviewer is 'null: the review names nobody';
comment on column public.qa_pass_rates.pass_rate is 'passed / reviewed, 0 to 1; runs without a review have no row';
revoke all on public.qa_pass_rates from public;
grant select on public.qa_pass_rates to runledger_reader, runledger_operator, runledger_bi;
