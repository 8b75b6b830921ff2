-- What BI logins may read under the views beside the public tables: the trend buckets and the alerts of their own tenant. Schema runledger
-- stays closed to them: a view reaches its tables by what they are and not by their names.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

create policy bi_own on runledger.trend_buckets for select to runledger_bi
  using (tenant_id = (select runledger.login_tenant(current_user)));
grant select on runledger.trend_buckets to runledger_bi;
