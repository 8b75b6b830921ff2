-- The text of messages that were sent or given up; that they were sent stays. $1 tenant_id.
update runledger.alert_deliveries set message = '{}' where tenant_id = $1::int and state <> 'pending';
