select runledger.seed_token($1, $2, $3, $4) as outcome;
