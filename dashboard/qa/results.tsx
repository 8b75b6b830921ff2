/** How the checking went: pass rates by run, by reviewer and by check. */

import type { ComponentChildren } from 'preact';
import type { QaProgress, QaSummary } from '../../receiver/serve/shape_qa.ts';
import { useApi } from '../api.ts';
import { formatPercent, spaced } from '../format.ts';
import { Show } from '../parts/states.tsx';
import { Time } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';

const EVERY_MS = 20_000;
/** Below it the alert QA-12 fires. */
const PASS_RATE_MIN = 0.8;

export function QaResults({ path }: { path: string }) {
  const loaded = useApi<QaSummary>(path, { everyMs: EVERY_MS });
  return (
    <section class="qa-results" aria-label="Results">
      <Show of={loaded} name="results" lines={4}>
        {({ by_run, by_reviewer, by_check }) => (
          <div class="qa-columns">
            <RateTable title="By run" head="Run">
              {by_run.slice(0, 12).map(({ run, ...progress }) => (
                <RateRow key={`${run.tenant_id} ${run.run_id}`} progress={progress}>
                  <a href={hrefOf(['qa'], { tenant: String(run.tenant_id), run: String(run.run_id), result: 'all' })}>
                    {run.run_key ?? run.run_id}
                  </a>{' '}
                  <span class="faint">
                    <Time at={run.started_at} />
                  </span>
                </RateRow>
              ))}
            </RateTable>
            {by_reviewer.length > 0 && (
              <RateTable title="By reviewer" head="Reviewer">
                {by_reviewer.map(({ reviewer, ...progress }) => (
                  <RateRow key={reviewer} progress={progress}>
                    {reviewer}
                  </RateRow>
                ))}
              </RateTable>
            )}
            {by_check.some(({ reviewed }) => reviewed > 0) && (
              <div>
                <h2>By check</h2>
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Check</th>
                      <th scope="col" class="num">
                        Held
                      </th>
                      <th scope="col" class="num">
                        Share
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {by_check.map(({ check, held, reviewed }) => (
                      <tr key={check}>
                        <th scope="row">{spaced(check)}</th>
                        <td class="num">
                          {held} / {reviewed}
                        </td>
                        <td class="num">{formatPercent(reviewed === 0 ? null : held / reviewed)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </div>
        )}
      </Show>
    </section>
  );
}

function RateTable({ title, head, children }: { title: string; head: string; children: ComponentChildren }) {
  return (
    <div>
      <h2>{title}</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{head}</th>
              <th scope="col" class="num">
                Reviewed
              </th>
              <th scope="col" class="num">
                Pass rate
              </th>
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </div>
  );
}

function RateRow({ progress, children }: { progress: QaProgress; children: ComponentChildren }) {
  const { reviewed, total, pass_rate } = progress;
  return (
    <tr>
      <th scope="row">{children}</th>
      <td class="num">
        {reviewed} / {total}
      </td>
      <td class={pass_rate !== null && pass_rate < PASS_RATE_MIN ? 'num bad' : 'num'}>{formatPercent(pass_rate)}</td>
    </tr>
  );
}
