-- The scenario is told in a moment; its runs were heard of when they sent something. $1 the real now timestamptz: rows since then are changed.
update public.enrichment_runs
set last_received_at = greatest(last_event_at, ended_at)
where last_received_at >= $1::timestamptz
