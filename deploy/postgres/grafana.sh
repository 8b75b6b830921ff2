#!/bin/sh
# Run once by the postgres image, when it makes its data folder: Grafana's login. It may read what operators read, of all tenants, and its
# sessions are read-only unless somebody changes that in a query; Runledger's tables and the other roles come with its first start.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$GRAFANA_DATABASE_PASSWORD" <<'SQL'
create role runledger_operator nologin;
create role grafana login connection limit 20 password :'password';
grant runledger_operator to grafana;
alter role grafana set default_transaction_read_only = on;
alter role grafana set statement_timeout = '30s';
SQL
