-- A channel that leads nowhere; nothing is sent to it. $1 tenant_id int, $2 channel text.
insert into runledger.alert_channels (tenant_id, channel, kind, url)
values ($1::int, $2::text, 'webhook', 'https://alerts.example.com/hook')
