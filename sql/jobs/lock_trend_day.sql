-- Makes merges of one day take turns until the end of the transaction: of two at once, the older could leave rows beside those of the newer.
-- $1 tenant_id int, $2 pipeline text, $3 environment text, $4 day date.
select pg_advisory_xact_lock(hashtextextended(
  'runledger trend day ' || jsonb_build_array($1::int, $2::text, $3::text, $4::date)::text, 0
))
