-- All overrides.
select tenant_id, rule, pipeline, enabled, parameters
from runledger.alert_overrides
order by rule, tenant_id, pipeline
