-- The limits of a rule for one tenant and pipeline: the rule's own under the empty key of $1, and laid over them, key by key, what stands
-- under `tenant:pipeline`. Tenant and pipeline win over tenant, tenant over what holds for everybody (tenant 0), there again the pipeline
-- over all pipelines (empty).
create or replace function runledger.rule_limits(limits jsonb, tenant_id int, pipeline text)
returns jsonb
language sql immutable parallel safe
as $$
  select (limits -> '')
    || coalesce(limits -> '0:', '{}')
    || coalesce(limits -> ('0:' || pipeline), '{}')
    || coalesce(limits -> (tenant_id || ':'), '{}')
    || coalesce(limits -> (tenant_id || ':' || pipeline), '{}')
$$;
revoke all on function runledger.rule_limits(jsonb, int, text) from public;
grant execute on function runledger.rule_limits(jsonb, int, text) to runledger_reader, runledger_operator;
