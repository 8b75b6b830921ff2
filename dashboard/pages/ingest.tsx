/** Ingest: can the numbers be trusted? What comes in, what was refused or waits, and what the last audit found. */

import type { ComponentChildren } from 'preact';
import type { IngestHealth } from '../../receiver/serve/shape_trends.ts';
import { useApi } from '../api.ts';
import { formatCount, formatDuration, plural, spaced } from '../format.ts';
import type { PageProps } from '../page.ts';
import { Show } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, Count, Time, Trouble } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { Rate } from '../trends/rate.tsx';

const EVERY_MS = 5_000;
/** Where nothing was ever dropped. */
const BEFORE_ANY_EVENT = '2000-01-01';

export function IngestPage(_: PageProps) {
  const loaded = useApi<IngestHealth>('/ingest/health', { everyMs: EVERY_MS });
  return (
    <>
      {loaded.data === null && <h1>Ingest</h1>}
      <Show of={loaded} name="the health of ingest" lines={12}>
        {(health) => (
          <>
            <Verdict health={health} />
            <Facts health={health} />
            {health.receiver !== null && (
              <section aria-labelledby="rate">
                <h2 id="rate">Rows committed a minute</h2>
                <Rate minutes={health.receiver.minutes} />
              </section>
            )}
            <div class="ingest-columns">
              <Refusals health={health} />
              <Parked health={health} />
              <Held health={health} />
              <Audits health={health} />
              <Incomplete health={health} />
            </div>
          </>
        )}
      </Show>
    </>
  );
}

/** What makes the numbers doubtful, in words; empty: nothing. */
function doubtsOf(health: IngestHealth): string[] {
  const [audit] = health.audits;
  const refused = health.refusals.reduce((sum, { spans }) => sum + spans, 0);
  const parked = health.parked.reduce((sum, { rows }) => sum + rows, 0);
  return [
    audit !== undefined && audit.difference + audit.sealed_difference > 0 ? 'the last audit found a difference' : '',
    refused > 0 ? `${plural(refused, 'span')} refused in the last 7 days` : '',
    parked > 0 ? `${plural(parked, 'row')} waiting for a run to become known` : '',
    health.incomplete_runs.length > 0 ? `${plural(health.incomplete_runs.length, 'run')} incomplete` : '',
    health.derive.lag_seconds > 300 ? `percentiles ${formatDuration(health.derive.lag_seconds * 1000)} behind` : '',
  ].filter((doubt) => doubt !== '');
}

function Verdict({ health }: { health: IngestHealth }) {
  const doubts = doubtsOf(health);
  if (doubts.length === 0) {
    return (
      <h1 class="verdict good">
        {health.audits.length === 0 ? 'Nothing speaks against the numbers.' : 'The numbers can be trusted.'}
      </h1>
    );
  }
  return (
    <>
      <h1 class="verdict warn">Look before you trust the numbers.</h1>
      <p class="doubts">{doubts.join('; ')}.</p>
    </>
  );
}

function Facts({ health }: { health: IngestHealth }) {
  const { receiver, derive } = health;
  const [audit] = health.audits;
  return (
    <dl class="facts">
      <Fact name="Last received" value={<Ago at={health.last_received_at} />} under="of the runs of two days" />
      {receiver !== null && (
        <>
          <Fact
            name="Rows committed"
            value={<Count value={receiver.committed_rows} />}
            under={
              <>
                since <Time at={receiver.started_at} />
              </>
            }
          />
          <Fact
            name="Known already"
            value={<Count value={receiver.duplicate_rows} />}
            under="start markers and what came again: counted once"
          />
          <Fact name="Waiting rows" value={<Count value={receiver.queue_rows} />} under="for a transaction" />
        </>
      )}
      <Fact
        name="Derive"
        value={derive.lag_seconds === 0 ? 'up to date' : `${formatDuration(derive.lag_seconds * 1000)} behind`}
        under={`${plural(derive.waiting_runs, 'run')} waiting`}
      />
      <Fact
        name="Last audit"
        value={
          audit === undefined ? (
            <span class="faint">none yet</span>
          ) : (
            <span class={audit.difference + audit.sealed_difference > 0 ? 'bad' : 'good'}>
              difference {formatCount(audit.difference + audit.sealed_difference)}
            </span>
          )
        }
        under={audit === undefined ? 'it runs each night' : <Ago at={audit.audited_at} />}
      />
      <Fact
        name="Events kept since"
        value={health.retention.floor_day <= BEFORE_ANY_EVENT ? 'the beginning' : health.retention.floor_day}
        under={`${plural(health.retention.sealed_runs, 'run')} sealed`}
      />
    </dl>
  );
}

function Fact({ name, value, under }: { name: string; value: ComponentChildren; under: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        <span class="under faint">{under}</span>
      </dd>
    </div>
  );
}

interface TableProps {
  title: string;
  heads: string[];
  /** What it means that there are none. */
  none: string;
  rows: ComponentChildren[];
}

function Table({ title, heads, none, rows }: TableProps) {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p class="faint">{none}</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                {heads.map((head, index) => (
                  <th key={head} scope="col" class={index === heads.length - 1 ? 'num' : undefined}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{rows}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

const tenantName = (one: { tenant_id: number; tenant_name: string | null }) =>
  one.tenant_id === 0 ? 'not known' : (one.tenant_name ?? `tenant ${one.tenant_id}`);

function Refusals({ health }: { health: IngestHealth }) {
  return (
    <Table
      title="Refused in the last 7 days"
      heads={['Day', 'Tenant', 'Reason', 'Spans']}
      none="Nothing was refused."
      rows={health.refusals.map((one) => (
        <tr key={`${one.day} ${one.tenant_id} ${one.reason}`}>
          <td class="tight">{one.day}</td>
          <td>{tenantName(one)}</td>
          <td>{spaced(one.reason)}</td>
          <td class="num">
            <Trouble value={one.spans} />
          </td>
        </tr>
      ))}
    />
  );
}

function Held({ health }: { health: IngestHealth }) {
  return (
    <Table
      title="Held back by quotas in the last 7 days"
      heads={['Last at', 'Tenant', 'Quota', 'Requests that day']}
      none="No quota told a sender to come back later."
      rows={health.held.map((one) => (
        <tr key={`${one.tenant_id} ${one.quota}`}>
          <td class="tight">
            <Time at={one.last_at} />
          </td>
          <td>{tenantName(one)}</td>
          <td>{spaced(one.quota)}</td>
          <td class="num">
            <Count value={one.requests} />
          </td>
        </tr>
      ))}
    />
  );
}

function Parked({ health }: { health: IngestHealth }) {
  return (
    <Table
      title="Parked until their run is known"
      heads={['Tenant', 'Reason', 'Oldest', 'Rows']}
      none="Nothing waits."
      rows={health.parked.map((one) => (
        <tr key={`${one.tenant_id} ${one.reason}`}>
          <td>{tenantName(one)}</td>
          <td>{spaced(one.reason)}</td>
          <td>
            <Ago at={one.oldest_at} />
          </td>
          <td class="num">
            <Count value={one.rows} />
          </td>
        </tr>
      ))}
    />
  );
}

function Audits({ health }: { health: IngestHealth }) {
  return (
    <Table
      title="Audits: counters against their events"
      heads={['When', 'By', 'Runs checked', 'Difference']}
      none="The nightly audit has not run yet. npx runledger job run audit does one now."
      rows={health.audits.map((one) => (
        <tr key={one.audited_at}>
          <td>
            <Time at={one.audited_at} />
          </td>
          <td>{one.job}</td>
          <td>{formatCount(one.runs_checked)}</td>
          <td class="num">
            <Trouble value={one.difference + one.sealed_difference} />
          </td>
        </tr>
      ))}
    />
  );
}

function Incomplete({ health }: { health: IngestHealth }) {
  return (
    <Table
      title="Incomplete: not all that was sent is stored"
      heads={['Run', 'Status', 'Ended']}
      none="Every run of the last 7 days that says what it sent is complete."
      rows={health.incomplete_runs.map((run) => (
        <tr key={`${run.tenant_id} ${run.run_id}`}>
          <th scope="row">
            <a href={hrefOf(['runs', run.tenant_id, run.run_id])}>{run.run_key ?? run.run_id}</a>
          </th>
          <td>
            <Status status={run.status} degraded={run.degraded} />
          </td>
          <td class="num">
            <Time at={run.ended_at} />
          </td>
        </tr>
      ))}
    />
  );
}
