-- What was refused during the scenario was refused on its day. $1 day date, $2 the day on which it was counted.
update runledger.refusals
set day = $1::date
where day = $2::date
