-- Takes a channel for one sender: $1 tenant_id, $2 channel, $3 now, $4 lease until. No row: another has it, it asked for a pause, or it is
-- gone. A second update that waited for the first one's lock looks at the row again and finds the lease.
update runledger.alert_channels
set leased_until = $4
where tenant_id = $1 and channel = $2 and enabled
  and (leased_until is null or leased_until <= $3)
  and (paused_until is null or paused_until <= $3)
returning kind, url, secret, allow_private, posted_at
