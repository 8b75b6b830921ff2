select setval($1::regclass, $2::bigint)
