/** One alert: a sentence, its numbers, what was done and sent, the runbook beside it, and the two answers to it. */

import { useState } from 'preact/hooks';
import type { AlertDetail } from '../../receiver/serve/shape_alerts.ts';
import { ApiError, change, useApi } from '../api.ts';
import { spaced } from '../format.ts';
import { useKeys } from '../keys.ts';
import { focusName, NameField } from '../parts/name_field.tsx';
import { Runbook } from '../parts/runbook.tsx';
import { Show } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { Ago, Time } from '../parts/values.tsx';
import { useReviewer } from '../reviewer.ts';
import { hrefOf } from '../router.ts';
import { ExternalLink } from '../run/header.tsx';
import { lastedOf, tenantOf } from './list.tsx';
import { formatNumber, numberLines, sentenceOf } from './sentence.ts';

interface DetailProps {
  id: string;
  canAct: boolean;
  onChanged: () => void;
}

const EVERY_MS = 10_000;

export function AlertDetailPane({ id, canAct, onChanged }: DetailProps) {
  const loaded = useApi<AlertDetail>(`/alerts/${encodeURIComponent(id)}`, { everyMs: EVERY_MS });
  return (
    <Show of={loaded} name="the alert" lines={10}>
      {(alert) => (
        <article class="alert">
          <header>
            <h2 class="alert-head">
              {alert.code} {alert.title}
            </h2>
            <p class="alert-sentence">{sentenceOf(alert)}</p>
            <p class="alert-facts">
              <Status status={alert.severity} />
              <Status status={alert.state} />
              <span>
                since <Time at={alert.fired_at} /> (<Ago at={alert.fired_at} />)
                {alert.resolved_at !== null && `, lasted ${lastedOf(alert)}`}
              </span>
              <span>
                {tenantOf(alert)}
                {alert.pipeline !== '' && ` · ${alert.pipeline}`}
                {alert.environment !== '' && ` · ${alert.environment}`}
              </span>
            </p>
            <AlertLinks alert={alert} />
          </header>
          {alert.state !== 'resolved' && canAct && (
            <Answers
              alert={alert}
              onChanged={() => {
                loaded.reload();
                onChanged();
              }}
            />
          )}
          <div class="alert-columns">
            <div>
              <Numbers alert={alert} />
              <History alert={alert} />
            </div>
            <Runbook code={alert.code} />
          </div>
        </article>
      )}
    </Show>
  );
}

function AlertLinks({ alert }: { alert: AlertDetail }) {
  const { run } = alert;
  return (
    <p class="run-links">
      {run !== null && <a href={hrefOf(['runs', run.tenant_id, run.run_id])}>The run: {run.run_key ?? run.run_id}</a>}
      {run !== null && alert.subject !== '' && (
        <a href={hrefOf(['runs', run.tenant_id, run.run_id], { view: 'events', status: 'error' })}>Its errors</a>
      )}
      <ExternalLink href={alert.links.jaeger} name="Jaeger" />
      <ExternalLink href={alert.links.langsmith} name="LangSmith" />
    </p>
  );
}

const SNOOZES: [number, string][] = [
  [60, '1 h'],
  [240, '4 h'],
  [1440, '1 day'],
  [10_080, '1 week'],
];
const SNOOZE_MINUTES = 240;

function Answers({ alert, onChanged }: { alert: AlertDetail; onChanged: () => void }) {
  const [name, setName] = useReviewer();
  const [isMissing, setMissing] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [note, setNote] = useState('');

  const act = async (what: 'ack' | 'snooze', more: object = {}) => {
    if (name.trim() === '') {
      setMissing(true);
      focusName();
      return;
    }
    setBusy(true);
    setTrouble(null);
    try {
      const body = { by: name.trim(), ...(note.trim() === '' ? {} : { note: note.trim() }), ...more };
      await change('POST', `/alerts/${alert.alert_id}/${what}`, body);
      setNote('');
      onChanged();
    } catch (error) {
      setTrouble(error instanceof ApiError ? error.message : 'The answer could not be read.');
    }
    setBusy(false);
  };
  useKeys({
    a: () => void act('ack'),
    s: () => void act('snooze', { minutes: SNOOZE_MINUTES }),
  });
  return (
    <div class="answers">
      <NameField name={name} onName={setName} isMissing={isMissing} />
      <label class="field note-field">
        <span>Note (not needed)</span>
        <input value={note} maxLength={1000} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      <div class="answer-buttons">
        <button
          type="button"
          class="primary"
          disabled={isBusy || alert.state === 'acked'}
          onClick={() => void act('ack')}
        >
          {alert.state === 'acked' ? 'Acknowledged' : 'Acknowledge'} <kbd>a</kbd>
        </button>
        {SNOOZES.map(([minutes, words]) => (
          <button key={minutes} type="button" disabled={isBusy} onClick={() => void act('snooze', { minutes })}>
            {minutes === 60 ? `Snooze ${words}` : words}
            {minutes === SNOOZE_MINUTES && (
              <>
                {' '}
                <kbd>s</kbd>
              </>
            )}
          </button>
        ))}
      </div>
      {trouble !== null && (
        <p class="bad" role="alert">
          {trouble}
        </p>
      )}
    </div>
  );
}

function Numbers({ alert }: { alert: AlertDetail }) {
  const lines = numberLines(alert.numbers);
  if (lines.length === 0) return null;
  return (
    <>
      <h3>Numbers</h3>
      <table class="numbers">
        <tbody>
          {lines.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{spaced(name)}</th>
              <td class="num" title={value === null ? undefined : String(value)}>
                {formatNumber(name, value, alert.code)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function History({ alert }: { alert: AlertDetail }) {
  const moments = [
    { at: alert.fired_at, what: 'fired' },
    ...alert.acts.map(({ at, actor, act, reason }) => {
      return { at, what: `${spaced(act.replace(/^alert_/, ''))} by ${actor}${reason === null ? '' : `: ${reason}`}` };
    }),
    ...alert.deliveries.map((sent) => {
      const how =
        sent.state === 'sent' ? 'sent to' : sent.state === 'dead' ? 'could not be sent to' : 'waits to be sent to';
      const why = sent.last_error === null ? '' : ` (${sent.last_error})`;
      return { at: sent.finished_at ?? sent.created_at, what: `${sent.event} message ${how} ${sent.channel}${why}` };
    }),
    ...(alert.resolved_at === null
      ? []
      : [{ at: alert.resolved_at, what: `resolved: ${spaced(alert.resolved_because ?? 'good')}` }]),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return (
    <>
      <h3>What happened</h3>
      <ol class="moments">
        {moments.map(({ at, what }) => (
          <li key={at + what}>
            <span class="faint">
              <Time at={at} />
            </span>
            <span>{what}</span>
          </li>
        ))}
        {alert.snoozed_until !== null && alert.state === 'snoozed' && (
          <li>
            <span class="faint">
              <Time at={alert.snoozed_until} />
            </span>
            <span>the snooze of {alert.snoozed_by ?? 'somebody'} ends</span>
          </li>
        )}
      </ol>
      {alert.deliveries.length === 0 && <p class="faint">No message was due: no channel takes it.</p>}
    </>
  );
}
