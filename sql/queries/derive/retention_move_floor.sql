-- Takes a day for this transaction alone: no row when another receiver dropped it meanwhile. $1 day date.
update runledger.retention
set floor_day = $1::date + 1
where floor_day <= $1::date
returning floor_day
