-- What the API's lists are read by.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

-- Samples by the time of their draw: of a tenant, and of all of them. Derive writes a few per run and reviewers change none of these columns.
create index qa_samples_drawn on public.qa_samples (tenant_id, created_at, run_id, company_id);
create index qa_samples_all_drawn on public.qa_samples (created_at, tenant_id, run_id, company_id);
