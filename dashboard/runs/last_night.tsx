/** What happened last night: a verdict that can be read from across the room, and a line for each pipeline, trouble first. */

import type { PipelinePage } from '../../receiver/serve/shape.ts';
import { apiPath, useApi } from '../api.ts';
import { formatAgo, formatPercent, formatTimeExact, plural, spaced } from '../format.ts';
import { Strip, UsualDuration } from '../parts/run_marks.tsx';
import { Empty, Show } from '../parts/states.tsx';
import { lookOf, Status } from '../parts/status.tsx';
import { Ago, Count, Money } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { pagesFirst } from '../run/why.tsx';

type Pipeline = PipelinePage['pipelines'][number];

const EVERY_MS = 5_000;
const WEIGHT = { bad: 0, warn: 1, live: 2, quiet: 3, good: 4 } as const;

export function LastNight({ tenant, showsTenant }: { tenant: string | null; showsTenant: boolean }) {
  const loaded = useApi<PipelinePage>(apiPath('/pipelines', { tenant }), { everyMs: EVERY_MS });
  if (loaded.error?.isMissingRoute === true) return null;
  return (
    <section aria-label="Last night">
      <Show of={loaded} name="the last night" lines={4}>
        {({ pipelines }) =>
          pipelines.length === 0 ? <NothingYet /> : <Night pipelines={pipelines} showsTenant={showsTenant} />
        }
      </Show>
    </section>
  );
}

function Night({ pipelines, showsTenant }: { pipelines: Pipeline[]; showsTenant: boolean }) {
  const sorted = [...pipelines].sort((a, b) => weightOf(a) - weightOf(b));
  return (
    <>
      <Verdict pipelines={pipelines} />
      <div class="scroll">
        <table class="night">
          <thead>
            <tr>
              <th scope="col" class="tight">
                Last run
              </th>
              <th scope="col" class="tight">
                Pipeline
              </th>
              <th scope="col" class="num">
                Started
              </th>
              <th scope="col" class="tight">
                Took
              </th>
              <th scope="col" class="tight">
                Last 14
              </th>
              <th scope="col" class="num">
                Delivered
              </th>
              <th scope="col" class="num">
                Errors
              </th>
              <th scope="col" class="num">
                Cost
              </th>
              <th scope="col">Alerts</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((pipeline) => (
              <Line
                key={`${pipeline.tenant_id} ${pipeline.pipeline} ${pipeline.environment}`}
                pipeline={pipeline}
                showsTenant={showsTenant}
              />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function weightOf({ last_run: run, firing }: Pipeline): number {
  return WEIGHT[lookOf(run.status, run.degraded).tone] * 2 - (firing.length > 0 ? 1 : 0);
}

function isTrouble({ last_run: run, firing }: Pipeline): boolean {
  return firing.length > 0 || ['bad', 'warn'].includes(lookOf(run.status, run.degraded).tone);
}

function Verdict({ pipelines }: { pipelines: Pipeline[] }) {
  const failed = pipelines.filter(({ last_run: run }) => lookOf(run.status).tone === 'bad').length;
  const troubled = pipelines.filter(isTrouble).length;
  const running = pipelines.filter(({ last_run: run }) => run.status === 'running').length;
  const of = `of ${plural(pipelines.length, 'pipeline')}`;
  const also = running > 0 ? ` ${running} running now.` : '';
  if (failed > 0) {
    return (
      <h1 class="verdict bad">
        {failed} {of} failed.{troubled > failed && ` ${troubled - failed} more in trouble.`}
        {also}
      </h1>
    );
  }
  if (troubled > 0) {
    return (
      <h1 class="verdict warn">
        {troubled} {of} {troubled === 1 ? 'needs' : 'need'} a look.{also}
      </h1>
    );
  }
  return (
    <h1 class="verdict good">
      All {pipelines.length === 1 ? 'good' : `${pipelines.length} pipelines good`}.{also}
    </h1>
  );
}

function Line({ pipeline: line, showsTenant }: { pipeline: Pipeline; showsTenant: boolean }) {
  const run = line.last_run;
  return (
    <tr>
      <td>
        <a class="quiet-link" href={hrefOf(['runs', run.tenant_id, run.run_id])}>
          <Status status={run.status} degraded={run.degraded} />
        </a>
      </td>
      <th scope="row">
        <a href={hrefOf(['runs', run.tenant_id, run.run_id])}>{line.pipeline ?? 'no pipeline named'}</a>
        {showsTenant && <span class="of"> {line.tenant_name ?? `tenant ${line.tenant_id}`}</span>}
        {line.environment !== null && <span class="of faint"> {line.environment}</span>}
      </th>
      <td class="num">
        <Ago at={run.started_at} />
        {line.next_due_at !== null && (
          <span class="under faint" title={formatTimeExact(line.next_due_at)}>
            next {formatAgo(line.next_due_at)}
          </span>
        )}
      </td>
      <td>
        <UsualDuration ms={run.duration_ms} usualMs={run.usual_duration_ms} usualRuns={run.usual_runs} />
      </td>
      <td>
        <Strip runs={line.recent} tenantId={line.tenant_id} />
      </td>
      <td class="num">
        <Count value={run.items_delivered} missing="the run states no items_delivered" />
      </td>
      <td class="num">
        <ErrorShare errors={run.stage_errors} items={run.items} />
      </td>
      <td class="num">
        <Money usd={run.cost_usd} complete={run.cost_complete} />
      </td>
      <td class="alerts-cell">
        {line.firing.length === 0 && <span class="faint">none</span>}
        {[...line.firing]
          .sort(pagesFirst)
          .slice(0, 3)
          .map((alert) => (
            <a
              key={alert.alert_id}
              class={alert.severity === 'page' ? 'alert-link bad' : 'alert-link warn'}
              href={hrefOf(['alerts', alert.alert_id])}
              title={alert.severity === 'page' ? 'Firing, wakes people' : 'Firing, can wait for the morning'}
            >
              {alert.code} {spaced(alert.subject)}
            </a>
          ))}
        {line.firing.length > 3 && (
          <a href={hrefOf(['alerts'], { tenant: String(line.tenant_id) })}>{line.firing.length - 3} more</a>
        )}
      </td>
    </tr>
  );
}

export function ErrorShare({ errors, items }: { errors: number; items: number }) {
  if (errors === 0) return <span class="faint">0</span>;
  return (
    <span
      class="bad"
      title={items > 0 ? `${formatPercent(errors / items)} of the items of the largest stage` : undefined}
    >
      <Count value={errors} />
    </span>
  );
}

function NothingYet() {
  return (
    <Empty title="No pipeline has run in the last 30 days">
      <p>Five lines tell the ledger about a run; the rest of your code stays as it is:</p>
      <pre>{EXAMPLE}</pre>
      <p>
        Then start it with <code>OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318</code> and an ingest token. To see a
        ledger with data first, run <code>npx runledger demo</code>.
      </p>
    </Empty>
  );
}

const EXAMPLE = `import { item, run, setup, stage } from 'runledger/sdk';
const telemetry = setup({ serviceName: 'nightly' });
await run({ tenant: 7, pipeline: 'nightly' }, () =>
  stage('crawl', () => Promise.all(companies.map((company) => item(company.id, () => crawl(company))))));
await telemetry.shutdown();`;
