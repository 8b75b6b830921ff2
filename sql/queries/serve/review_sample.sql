-- What a person says of a sample. $1 tenant_id, $2 run_id, $3 company_id, $4 result, $5 whether notes are given, $6 notes or null, $7 checks
-- to be laid over those there, $8 reviewer and $9 time; both null with needs_review, which takes a review back.
update public.qa_samples
set result = $4::text,
  notes = case when $5::boolean then $6::text else notes end,
  checks = checks || $7::jsonb,
  reviewer = $8::text,
  reviewed_at = $9::timestamptz
where tenant_id = $1::int and run_id = $2::bigint and company_id = $3::bigint;
