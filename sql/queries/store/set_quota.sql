-- $1 tenant_id int, $2 spans_per_second, $3 burst_spans, $4 open_runs, $5 stages_per_run, $6 vendors_per_run, $7 parked_bytes; null: the default
insert into runledger.tenant_quotas as q
  (tenant_id, spans_per_second, burst_spans, open_runs, stages_per_run, vendors_per_run, parked_bytes)
values ($1::int, $2::int, $3::int, $4::int, $5::int, $6::int, $7::bigint)
on conflict (tenant_id) do update set
  spans_per_second = excluded.spans_per_second,
  burst_spans = excluded.burst_spans,
  open_runs = excluded.open_runs,
  stages_per_run = excluded.stages_per_run,
  vendors_per_run = excluded.vendors_per_run,
  parked_bytes = excluded.parked_bytes
