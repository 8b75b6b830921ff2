-- Run as runledger_operator. How many tokens work now, by kind, and how many of them end within $1 days. A person's sign-in always ends soon.
select kind, count(*)::int as active,
  (count(*) filter (where expires_at < now() + make_interval(days => $1)))::int as ending
from runledger.tokens
where person is null and revoked_at is null and (expires_at is null or expires_at > now())
group by kind
