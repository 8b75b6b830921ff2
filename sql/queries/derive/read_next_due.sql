-- When the next derive is due: milliseconds after $1 timestamptz (negative: overdue), null when nothing changed.
select (extract(epoch from min(due_at) - $1::timestamptz) * 1000)::double precision as wait_ms
from runledger.dirty_runs
