-- Makes a channel or changes one of the same kind: $1 tenant_id, $2 channel, $3 kind, $4 url, $5 min_severity, $6 allow_private,
-- $7 from_environment. No row: there is one of another kind or of another origin.
insert into runledger.alert_channels as c (tenant_id, channel, kind, url, min_severity, allow_private, from_environment)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, channel) do update
set url = excluded.url, min_severity = excluded.min_severity, allow_private = excluded.allow_private
where c.kind = excluded.kind and c.from_environment = excluded.from_environment
returning c.channel
