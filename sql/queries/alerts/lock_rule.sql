-- A rule that is about to be changed, or to get an override. $1 rule text.
select kind, parameters
from runledger.alert_rules
where rule = $1::text
for update
