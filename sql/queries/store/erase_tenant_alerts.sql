-- What people wrote about its alerts. $1 tenant_id.
update runledger.alerts set note = null where tenant_id = $1::int and note is not null;
