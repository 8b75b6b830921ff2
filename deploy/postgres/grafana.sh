#!/bin/sh
# Run by the postgres image when it makes its data folder, and by hand on one that is there already: Grafana's login. It may read what operators
# read, of all tenants; its sessions are read-only unless a query says otherwise. Runledger's tables and other roles come with its first start.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$GRAFANA_DATABASE_PASSWORD" <<'SQL'
select 'create role runledger_operator nologin' where to_regrole('runledger_operator') is null \gexec
select 'create role grafana login connection limit 20' where to_regrole('grafana') is null \gexec
alter role grafana password :'password';
grant runledger_operator to grafana;
alter role grafana set default_transaction_read_only = on;
alter role grafana set statement_timeout = '30s';
SQL
