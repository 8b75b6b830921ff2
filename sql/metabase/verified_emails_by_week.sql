-- Share of verified e-mail addresses, by week. Variable: since (date).
select date_trunc('week', day::timestamp)::date as week, tenant_id, sum(emails_found) as emails_found, sum(emails_verified) as emails_verified,
  sum(emails_verified) / nullif(sum(emails_found), 0) as verified_email_rate
from quality
where day >= {{since}}
group by 1, 2
order by 1 desc, 2;
