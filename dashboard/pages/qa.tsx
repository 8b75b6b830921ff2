/** QA: a queue of samples made for the keyboard, and below it how the checking went, by run, reviewer and check. */

import type { QaPage } from '../../receiver/serve/shape_qa.ts';
import { apiPath, useApi } from '../api.ts';
import type { PageProps } from '../page.ts';
import { Show } from '../parts/states.tsx';
import { Queue } from '../qa/queue.tsx';
import { QaResults } from '../qa/results.tsx';
import { Choice, Typed } from '../runs/run_filters.tsx';

const FILTERS = ['tenant', 'run', 'bucket', 'reviewer'] as const;

export function QaReviewPage({ place, session }: PageProps) {
  const { query } = place;
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)]));
  const result = query.get('result') ?? 'needs_review';
  const path = apiPath('/qa', { ...filters, result: result === 'all' ? null : result, limit: 50 });
  const loaded = useApi<QaPage>(path);
  return (
    <>
      <div class="section-head">
        <h1>QA</h1>
        <search class="filters">
          <Choice
            name="result"
            label="Samples"
            query={query}
            all="to review"
            choices={[
              ['pass', 'passed'],
              ['fail', 'failed'],
              ['all', 'all'],
            ]}
          />
          {session.kind === 'admin' && <Typed name="tenant" label="Tenant" query={query} />}
          <Typed name="run" label="Run key or id" query={query} isFirst />
          <Typed name="bucket" label="Bucket" query={query} />
        </search>
      </div>
      <Show of={loaded} name="samples" lines={12}>
        {(page) => (
          // Another queue is another review, and so is what was kept from the last visit once it is read anew.
          <Queue
            key={`${path} ${loaded.turn}`}
            path={path}
            first={page}
            canReview={session.can_review}
            showsTenant={session.kind === 'admin'}
          />
        )}
      </Show>
      <div class={loaded.data === null && loaded.error === null ? 'unsettled' : undefined}>
        <QaResults path={apiPath('/qa/summary', filters)} />
      </div>
    </>
  );
}
