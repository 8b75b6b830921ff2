-- Makes a channel unless there is one of that name: $1 tenant_id, $2 channel, $3 kind, $4 url, $5 min_severity, $6 allow_private,
-- $7 from_environment.
insert into runledger.alert_channels (tenant_id, channel, kind, url, min_severity, allow_private, from_environment)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, channel) do nothing
