-- All rules.
select rule, code, kind, title, severity, parameters, enabled, remind_after_minutes
from runledger.alert_rules
order by rule
