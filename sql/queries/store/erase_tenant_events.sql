-- Takes what says who its items are out of a tenant's rows; what they add to counters stays. Rows of one item stay together, under a
-- number made with a key that nobody keeps. $1 tenant_id, $2 key. As runledger_owner.
update public.run_event_logs
set
  company_id = 4503599627370496 + ('x' || left(encode(sha256(convert_to($2::text || company_id, 'UTF8')), 'hex'), 13))::bit(52)::bigint,
  extra = '{"erased": true}',
  trace_id = ''
where tenant_id = $1::int;
