-- The instant below which events are dropped: the start of the retention floor's UTC day.
select (floor_day::timestamp at time zone 'UTC')::text as floor_at
from runledger.retention
