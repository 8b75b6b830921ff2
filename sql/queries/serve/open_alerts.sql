-- How many alerts are open, by state. $1 tenant_id or null: all that the caller may see.
select json_build_object(
  'firing', count(*) filter (where a.state = 'firing'),
  'acked', count(*) filter (where a.state = 'acked'),
  'snoozed', count(*) filter (where a.state = 'snoozed')
) as line
from runledger.alerts a
where a.state <> 'resolved' and ($1::int is null or a.tenant_id = $1);
