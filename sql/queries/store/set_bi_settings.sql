-- For sql/roles/bi_login, until the end of the transaction. $1 login, $2 verifier or empty, $3 connections.
select
  set_config('runledger.bi_login', $1::text, true),
  set_config('runledger.bi_verifier', $2::text, true),
  set_config('runledger.bi_connections', $3::text, true);
