-- Whether a run counts in baselines and alerts. $1 tenant_id, $2 run_id, $3 excluded.
update public.enrichment_runs set excluded = $3::boolean where tenant_id = $1::int and run_id = $2::bigint;
