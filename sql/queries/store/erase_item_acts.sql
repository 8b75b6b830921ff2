-- Reviews of the item on record. $1 tenant_id, $2 company_id, $3 the number that stands for it from now on.
update runledger.acts
set object = left(object, -length('/' || $2)) || '/' || $3
where tenant_id = $1::int and act = 'qa_review' and object like 'qa %/' || $2::bigint and $3::bigint is not null;
