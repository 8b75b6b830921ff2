-- The link of a run has a register of its own: one that somebody gave when he began the run, or that one of the run's spans brought, is not
-- taken away by a span that has none.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

do $runs$
begin
  if (select relowner = 'runledger_owner'::regrole from pg_class where oid = 'public.enrichment_runs'::regclass) then
    -- adopted: begin
    alter table public.enrichment_runs
      -- Register of the link: of the signals that have one, the least (link_at, link_span_id, link_rank) wins.
      add column if not exists link_at timestamptz not null default 'infinity',
      add column if not exists link_span_id text collate "C" not null default '~',
      add column if not exists link_rank smallint not null default 2;
    update public.enrichment_runs
    set link_at = identity_at, link_span_id = identity_span_id, link_rank = identity_rank
    where langsmith_trace_url is not null and link_span_id = '~';
    comment on column public.enrichment_runs.identity_at is 'Time of the run''s span that gave pipeline, environment, version, trace and resource; the earliest wins';
    comment on column public.enrichment_runs.link_at is 'Time of the run''s span that gave the link; the earliest that has one wins. Infinity: it was given by hand';
    comment on column public.enrichment_runs.link_span_id is 'Decides between spans of one time';
    comment on column public.enrichment_runs.link_rank is '0 the span itself, 1 its start marker';
    grant update (langsmith_trace_url) on public.enrichment_runs to runledger_reader, runledger_operator;
    -- adopted: end
  end if;
end
$runs$;
