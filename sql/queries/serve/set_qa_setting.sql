-- What is drawn of a bucket from the next derive on. $1 tenant_id (0: everybody), $2 bucket, $3 limit, $4 checks.
insert into runledger.qa_settings as q (tenant_id, bucket, sample_limit, checks)
values ($1::int, $2::text, $3::int, $4::jsonb)
on conflict (tenant_id, bucket) do update set sample_limit = excluded.sample_limit, checks = excluded.checks;
