-- Extends a lease and notes the post that follows: $1 tenant_id, $2 channel, $3 the lease held, $4 lease until, $5 times of the newest posts.
-- No row: the lease was lost, or the channel disabled.
update runledger.alert_channels
set leased_until = $4, posted_at = $5
where tenant_id = $1 and channel = $2 and leased_until = $3 and enabled
returning url
