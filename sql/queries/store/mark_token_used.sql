select runledger.mark_token_used($1);
