-- What the public columns say where their names do not say it alone. docs/reference/tables.md is made from these words.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

do $runs$
begin
  if (select relowner = 'runledger_owner'::regrole from pg_class where oid = 'public.enrichment_runs'::regclass) then
    -- adopted: begin
    comment on column public.enrichment_runs.run_key is 'The pipeline''s own name for the run, after privacy; null where it named a number';
    comment on column public.enrichment_runs.first_event_at is 'Time of the earliest event';
    comment on column public.enrichment_runs.last_event_at is 'Time of the latest event or sign of life';
    comment on column public.enrichment_runs.last_received_at is 'When something of the run last reached the receiver, to about a second';
    comment on column public.enrichment_runs.state is 'What the run''s own signals say; the latest wins. status is what readers want';
    comment on column public.enrichment_runs.state_at is 'Time of the signal that won';
    comment on column public.enrichment_runs.state_rank is 'Decides between signals of one time';
    comment on column public.enrichment_runs.state_span_id is 'Decides between signals of one time and rank';
    comment on column public.enrichment_runs.state_degraded is 'What the signal that won said of degraded';
    comment on column public.enrichment_runs.identity_at is 'Time of the run''s span that gave pipeline, environment, version, trace, link and resource; the earliest wins';
    comment on column public.enrichment_runs.identity_span_id is 'Decides between spans of one time';
    comment on column public.enrichment_runs.identity_rank is '0 the span itself, 1 its start marker';
    comment on column public.enrichment_runs.resource is 'Attributes of the sender''s resource, after privacy';
    comment on column public.enrichment_runs.sent_statements is 'How many senders stated what they ended';
    comment on column public.enrichment_runs.sent_stages is 'Stages that senders say they ended; stored_stages is what arrived';
    comment on column public.enrichment_runs.sent_dropped is 'Spans that senders know to be lost';
    comment on column public.enrichment_runs.derived_at is 'When percentiles and status were last computed';
    -- adopted: end
  end if;
end
$runs$;

comment on column public.run_event_logs.event is 'start, finish, retry, ...: the name of what happened';
comment on column public.run_event_logs.kind is 'run, stage, item, vendor_call, event or log';
comment on column public.run_event_logs.extra is 'Other attributes of the span, after privacy';
comment on column public.run_event_logs.units_total is 'What the row adds to count_total of its stage';
comment on column public.run_event_logs.price_id is 'By which price the cost was reckoned; null: the span stated it, or no price is known';
comment on column public.run_event_logs.bucket is 'The class an item was sorted into';

comment on column public.run_stage_stats.count_total is 'Units: items, or what the stage states; a stage without either is one';
comment on column public.run_stage_stats.duration_class is 'Whose durations the percentiles are of: item, vendor_call or stage';
comment on column public.run_stage_stats.duration_samples is 'How many durations the percentiles are of';

comment on column public.run_vendor_usage.quota_exhausted is 'The vendor said so at least once in the run';
comment on column public.run_vendor_usage.unpriced_calls is 'Calls without a known price; cost_usd leaves them out';
comment on column public.run_vendor_usage.unpriced_tokens is 'Tokens without a known price';

comment on column public.run_metrics.set_value is 'As runledger.metric.NAME last stated it';
comment on column public.run_metrics.added_value is 'The sum of runledger.metric_sum.NAME over all spans';

comment on column public.qa_samples.checks is 'The checklist, by name';
comment on column public.qa_samples.result is 'pass, fail or needs_review';
comment on column public.qa_samples.facts is 'The item''s events, cost and links, as they were when it was drawn';
comment on column public.qa_samples.created_at is 'When it was drawn';
