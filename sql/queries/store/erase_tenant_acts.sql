-- What people wrote and which items they named; that they did it stays. $1 tenant_id.
update runledger.acts
set reason = null, details = null, object = case when act = 'qa_review' then 'qa' else object end
where tenant_id = $1::int;
