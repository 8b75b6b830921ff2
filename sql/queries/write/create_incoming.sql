-- Where rows are put down that may be in the ledger already, or that COPY may not bring there because row level security binds this role.
create temp table if not exists incoming (like public.run_event_logs including defaults) on commit delete rows
