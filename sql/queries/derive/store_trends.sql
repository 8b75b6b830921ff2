-- Writes the trend rows of a run where they differ. The caller holds the run row.
-- $1 tenant_id int, $2 run_id bigint, $3 jsonb array of what compute_trends gave.
insert into runledger.trend_buckets as t (tenant_id, run_id, stage, class, samples, zeros, bucket_index, bucket_count)
select $1::int, $2::bigint, u.stage, u.class, u.samples, u.zeros, u.bucket_index, u.bucket_count
from jsonb_to_recordset($3::jsonb) as u (
  stage text, class text, samples bigint, zeros bigint, bucket_index int[], bucket_count bigint[])
order by u.stage collate "C", u.class collate "C"
on conflict (tenant_id, run_id, stage, class) do update set
  samples = excluded.samples,
  zeros = excluded.zeros,
  bucket_index = excluded.bucket_index,
  bucket_count = excluded.bucket_count
where (t.samples, t.zeros, t.bucket_index, t.bucket_count)
  is distinct from (excluded.samples, excluded.zeros, excluded.bucket_index, excluded.bucket_count)
