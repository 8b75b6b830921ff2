-- The instant below which events are dropped, as read_floor, and it stays there until the end of the transaction: retention waits.
select (floor_day::timestamp at time zone 'UTC')::text as floor_at
from runledger.retention
for share
