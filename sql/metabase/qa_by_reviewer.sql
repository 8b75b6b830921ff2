-- What each reviewer judged, and how. Variables: since (date), bucket (text).
select tenant_id, reviewer, bucket, count(*) as runs, sum(reviewed) as reviewed, sum(passed) as passed, sum(passed) / nullif(sum(reviewed), 0) as pass_rate
from qa_pass_rates
where started_at >= {{since}} [[and bucket = {{bucket}}]]
group by 1, 2, 3
order by reviewed desc;
