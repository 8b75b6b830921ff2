/** The head of a run: its state, its numbers against what is usual, whether its books are complete, and where else to look. */

import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { RunDetail } from '../../receiver/serve/shape.ts';
import { formatDuration, formatPercent, plural } from '../format.ts';
import { UsualDuration } from '../parts/run_marks.tsx';
import { lookOf, Status } from '../parts/status.tsx';
import { Ago, Count, Money, Time } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { soFar } from '../runs/run_row.tsx';

export function RunHeader({ run }: { run: RunDetail }) {
  const name = run.run_key ?? `run ${run.run_id}`;
  const tenant = run.tenant_name ?? `tenant ${run.tenant_id}`;
  useEffect(() => {
    document.title = `${lookOf(run.status, run.degraded).word} · ${name} · Runledger`;
  }, [run.status, run.degraded, name]);
  return (
    <header class="run-head">
      <p class="crumbs">
        <a href={hrefOf(['runs'])}>Runs</a>
        <span aria-hidden="true"> / </span>
        <a href={hrefOf(['runs'], { tenant: String(run.tenant_id) })}>{tenant}</a>
        <span aria-hidden="true"> / </span>
        {run.pipeline === null ? (
          'no pipeline named'
        ) : (
          <a href={hrefOf(['runs'], { tenant: String(run.tenant_id), pipeline: run.pipeline })}>{run.pipeline}</a>
        )}
      </p>
      <div class="run-title">
        <h1>{name}</h1>
        <Status status={run.status} degraded={run.degraded} />
      </div>
      <p class="faint run-words">
        id {run.run_id}
        {run.environment !== null && ` · ${run.environment}`}
        {run.pipeline_version !== null && ` · version ${run.pipeline_version}`}
        {run.excluded && ' · left out of baselines'}
      </p>
      {run.note !== null && <p class="note run-note">{run.note}</p>}
      <dl class="facts">
        <Fact name="Started">
          <Time at={run.started_at} />
          <span class="under faint">
            <Ago at={run.started_at} />
          </span>
        </Fact>
        <Fact name={run.status === 'running' ? 'At work for' : 'Took'}>
          <UsualDuration
            ms={run.duration_ms ?? soFar(run)}
            usualMs={run.usual_duration_ms}
            usualRuns={run.usual_runs}
          />
          <span class="under faint">
            {run.usual_duration_ms === null ? 'nothing usual yet' : `usually ${formatDuration(run.usual_duration_ms)}`}
          </span>
        </Fact>
        <Fact name="Items">
          <Count value={run.items} />
          <span class="under faint">in the largest stage</span>
        </Fact>
        <Fact name="Delivered">
          <Count value={run.items_delivered} missing="the run states no items_delivered" />
          <span class="under faint">
            {run.items_delivered !== null && run.items > 0
              ? `${formatPercent(run.items_delivered / run.items)} of the items`
              : 'not stated'}
          </span>
        </Fact>
        <Fact name="Errors">
          <span class={run.stage_errors > 0 ? 'bad' : undefined}>
            <Count value={run.stage_errors} />
          </span>
          <span class="under faint">in {plural(run.stages, 'stage')}</span>
        </Fact>
        <Fact name="Cost">
          <Money usd={run.cost_usd} complete={run.cost_complete} />
          <span class="under faint">{run.cost_complete ? 'every call priced' : 'some calls have no price'}</span>
        </Fact>
        <Fact name="Books">
          <Books run={run} />
        </Fact>
      </dl>
      <p class="run-links">
        <ExternalLink href={run.links.jaeger} name="Trace in Jaeger" />
        <ExternalLink href={run.links.langsmith} name="LangSmith" />
        <a href={`/export/run_events.csv?run_id=${run.run_id}&tenant=${run.tenant_id}`} download>
          Events as CSV
        </a>
        <a href={`/export/run_events.parquet?run_id=${run.run_id}&tenant=${run.tenant_id}`} download>
          Parquet
        </a>
        <a href={hrefOf(['qa'], { tenant: String(run.tenant_id), run: String(run.run_id) })}>QA samples</a>
      </p>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Books({ run }: { run: RunDetail }) {
  const { stored, sent, complete } = run;
  const have = `${plural(stored.stages, 'stage')}, ${plural(stored.items, 'item')}, ${plural(stored.vendor_calls, 'vendor span')}`;
  if (complete === true) {
    return (
      <span title={`What the pipeline says it sent is stored: ${have}`}>
        complete
        <span class="under faint">{have}</span>
      </span>
    );
  }
  const word = complete === false ? 'incomplete' : run.status === 'running' ? 'open' : 'not stated';
  const why =
    complete === false && sent !== null
      ? `sent ${plural(sent.stages, 'stage')}, ${plural(sent.items, 'item')}, ${plural(sent.vendor_calls, 'vendor span')}`
      : 'the pipeline has not said what it sent';
  return (
    <span class={complete === false ? 'bad' : undefined} title={`Stored: ${have}`}>
      {word}
      <span class="under faint">{why}</span>
    </span>
  );
}

/** Only addresses that a browser opens as a page; whatever else a row may hold is not made into a link. */
export function ExternalLink({ href, name }: { href: string | null; name: string }) {
  if (href === null || !/^https?:\/\//i.test(href)) return null;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {name}
      <span aria-hidden="true"> ↗</span>
      <span class="unseen"> (another site)</span>
    </a>
  );
}
