-- Lets go of a channel: $1 tenant_id, $2 channel, $3 the lease held, $4 the time until which it asked to be left alone, or null, $5 times of
-- the newest posts.
update runledger.alert_channels
set leased_until = null, paused_until = $4, posted_at = $5
where tenant_id = $1 and channel = $2 and leased_until = $3
