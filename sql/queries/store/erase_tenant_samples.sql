-- The same for its QA samples. $1 tenant_id, $2 key.
update public.qa_samples
set
  company_id = 4503599627370496 + ('x' || left(encode(sha256(convert_to($2::text || company_id, 'UTF8')), 'hex'), 13))::bit(52)::bigint,
  notes = null,
  facts = null
where tenant_id = $1::int;
