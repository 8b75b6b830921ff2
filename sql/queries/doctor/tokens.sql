-- Run as runledger_operator. How many tokens work now, by kind, and how many of them end within $1 days.
select kind, count(*)::int as active,
  (count(*) filter (where expires_at < now() + make_interval(days => $1)))::int as ending
from runledger.tokens
where revoked_at is null and (expires_at is null or expires_at > now())
group by kind
