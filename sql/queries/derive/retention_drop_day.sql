-- Drops a day whose runs are sealed; resolves to the bytes given back. $1 day date.
select runledger.drop_day($1::date) as bytes
