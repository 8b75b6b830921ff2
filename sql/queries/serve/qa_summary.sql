-- How far the checking of QA samples is: altogether, by run, by reviewer and, of the runs listed, by check.
-- $1 tenant_id or null, $2 run_id, $3 bucket in small letters, $4 reviewer, $5 pipeline. Null: not filtered. $6 runs listed.
with counted as materialized (
  select
    q.tenant_id,
    q.run_id,
    q.reviewer,
    max(q.created_at) as drawn_at,
    -- int, whose sums are cheap.
    count(*)::int as total,
    (count(*) filter (where q.reviewed_at is not null and q.result <> 'needs_review'))::int as reviewed,
    (count(*) filter (where q.reviewed_at is not null and q.result = 'pass'))::int as passed,
    (count(*) filter (where q.reviewed_at is not null and q.result = 'fail'))::int as failed
  from public.qa_samples q
  left join public.enrichment_runs r on r.tenant_id = q.tenant_id and r.run_id = q.run_id
  where ($1::int is null or q.tenant_id = $1)
    and ($2::bigint is null or q.run_id = $2)
    and ($3::text is null or lower(q.bucket) = $3)
    and ($4::text is null or q.reviewer = $4)
    and ($5::text is null or r.pipeline = $5)
  group by q.tenant_id, q.run_id, q.reviewer
), runs as (
  select
    c.tenant_id,
    c.run_id,
    max(c.drawn_at) as drawn_at,
    sum(c.total) as total,
    sum(c.reviewed) as reviewed,
    sum(c.passed) as passed,
    sum(c.failed) as failed
  from counted c
  group by c.tenant_id, c.run_id
  order by 3 desc, c.tenant_id, c.run_id
  limit $6::int
), reviewers as (
  select
    c.reviewer,
    sum(c.total) as total,
    sum(c.reviewed) as reviewed,
    sum(c.passed) as passed,
    sum(c.failed) as failed
  from counted c
  where c.reviewer is not null
  group by c.reviewer
), named_checks as (
  select k.key as "check", count(*) filter (where k.value = 'true') as held, count(*) as reviewed
  from runs n
  join public.qa_samples c on c.tenant_id = n.tenant_id and c.run_id = n.run_id
  cross join lateral jsonb_each(c.checks) k
  where c.reviewed_at is not null
    and c.result <> 'needs_review'
    and ($3 is null or lower(c.bucket) = $3)
    and ($4 is null or c.reviewer = $4)
  group by k.key
)
select json_build_object(
  'progress', (
    select json_build_object(
      'total', coalesce(sum(c.total), 0),
      'reviewed', coalesce(sum(c.reviewed), 0),
      'passed', coalesce(sum(c.passed), 0),
      'failed', coalesce(sum(c.failed), 0)
    )
    from counted c
  ),
  'by_run', (
    select coalesce(
      json_agg(
        json_build_object(
          'run', json_build_object(
            'run_id', n.run_id, 'tenant_id', n.tenant_id, 'run_key', r.run_key, 'pipeline', r.pipeline, 'environment', r.environment,
            'status', coalesce(r.status, 'running'), 'degraded', coalesce(r.degraded, false), 'started_at', r.started_at, 'ended_at', r.ended_at
          ),
          'total', n.total, 'reviewed', n.reviewed, 'passed', n.passed, 'failed', n.failed
        )
        order by n.drawn_at desc, n.tenant_id, n.run_id
      ),
      '[]'
    )
    from runs n
    left join public.enrichment_runs r on r.tenant_id = n.tenant_id and r.run_id = n.run_id
  ),
  'by_reviewer', (select coalesce(json_agg(v order by v.reviewed desc, v.reviewer), '[]') from reviewers v),
  'by_check', (select coalesce(json_agg(k order by k."check"), '[]') from named_checks k)
) as line;
