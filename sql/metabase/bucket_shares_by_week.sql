-- How the items spread over the buckets, by week. Variable: since (date).
select date_trunc('week', day::timestamp)::date as week, tenant_id, sum(bucket_high) as high, sum(bucket_medium) as medium, sum(bucket_low) as low,
  sum(bucket_high) / nullif(sum(bucket_high) + sum(bucket_medium) + sum(bucket_low), 0) as share_high
from tenant_overview
where day >= {{since}}
group by 1, 2
order by 1 desc, 2;
