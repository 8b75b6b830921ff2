-- The keys of its runs; their numbers are never given out again. $1 tenant_id.
update runledger.run_keys set run_key = 'erased-' || run_id where tenant_id = $1::int;
