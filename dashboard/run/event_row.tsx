/** A line of the events explorer; it opens to everything that is known of the event. */

import { useState } from 'preact/hooks';
import type { EventLine } from '../../receiver/serve/shape_events.ts';
import { formatClock, formatTimeExact } from '../format.ts';
import { Status } from '../parts/status.tsx';
import { Duration, Money } from '../parts/values.tsx';
import { ExternalLink } from './header.tsx';

/** The item's own text where it had one, else its number. */
export function itemName(event: Pick<EventLine, 'company_id' | 'extra' | 'kind'>): string {
  const text = event.extra?.item_id;
  if (typeof text === 'string' && text !== '') return text;
  return event.company_id === null ? `the ${event.kind.replaceAll('_', ' ')} itself` : String(event.company_id);
}

interface EventRowProps {
  event: EventLine;
  /** Whether the keyboard is at it. */
  isAt: boolean;
  traceUrl: string | null;
  columns: number;
}

export function EventRow({ event, isAt, traceUrl, columns }: EventRowProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <tr class={[isOpen ? 'open' : '', isAt ? 'at' : ''].join(' ').trim() || undefined}>
        <td>
          <button type="button" class="event-button mono" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            <span title={formatTimeExact(event.ts)}>{formatClock(event.ts)}</span>
          </button>
        </td>
        <td>
          <Status status={event.status} />
        </td>
        <td>{event.stage}</td>
        <td>{event.kind.replaceAll('_', ' ')}</td>
        <td>{event.event}</td>
        <td>{event.company_id === null ? '' : itemName(event)}</td>
        <td>{event.vendor ?? ''}</td>
        <td class="mono">{event.error_code ?? ''}</td>
        <td class="num">{event.duration_ms === null ? '' : <Duration ms={event.duration_ms} />}</td>
        <td class="num">{event.cost_usd === null ? '' : <Money usd={event.cost_usd} />}</td>
      </tr>
      {isOpen && (
        <tr class="detail">
          <td colSpan={columns}>
            <EventDetail event={event} traceUrl={traceUrl} />
          </td>
        </tr>
      )}
    </>
  );
}

function EventDetail({ event, traceUrl }: { event: EventLine; traceUrl: string | null }) {
  const { extra, metrics, ...fields } = event;
  const trace =
    traceUrl !== null && /^[0-9a-f]{32}$/.test(event.trace_id) ? traceUrl.replace('{trace_id}', event.trace_id) : null;
  const langsmith = extra?.langsmith_url ?? extra?.langsmith_trace_url;
  return (
    <div class="event-detail">
      <p class="run-links">
        <ExternalLink href={trace} name="Its trace in Jaeger" />
        <ExternalLink href={typeof langsmith === 'string' ? langsmith : null} name="LangSmith" />
      </p>
      <Pairs title="Row" of={fields} />
      {metrics !== null && <Pairs title="Metrics" of={metrics} />}
      {extra !== null && <Pairs title="Attributes" of={extra} />}
    </div>
  );
}

function Pairs({ title, of }: { title: string; of: Record<string, unknown> }) {
  const shown = Object.entries(of).filter(([, value]) => value !== null && value !== 0 && value !== false);
  if (shown.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <dl class="pairs mono">
        {shown.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
