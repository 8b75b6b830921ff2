/** What is known of a sampled item: what the pipeline stated, and its way through the stages. */

import type { QaSample } from '../../receiver/serve/shape_qa.ts';
import { formatClock, formatTimeExact, plural, spaced } from '../format.ts';
import { Status } from '../parts/status.tsx';
import { Duration, Money } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { ExternalLink } from '../run/header.tsx';
import { factsOf } from './facts.ts';

export function SampleFacts({ sample }: { sample: QaSample }) {
  const facts = factsOf(sample);
  const events = hrefOf(['runs', sample.tenant_id, sample.run_id], { view: 'events', item: String(sample.company_id) });
  return (
    <>
      {facts.stated.length > 0 && (
        <dl class="stated">
          {facts.stated.map(([name, value]) => (
            <div key={name}>
              <dt>{spaced(name)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <h3>Its way through the run</h3>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Stage</th>
              <th scope="col">What</th>
              <th scope="col">Status</th>
              <th scope="col" class="num">
                Took
              </th>
              <th scope="col" class="num">
                Cost
              </th>
            </tr>
          </thead>
          <tbody>
            {facts.events.map((event, at) => (
              <tr key={`${at} ${event.at}`}>
                <td class="tight mono faint" title={formatTimeExact(event.at)}>
                  {formatClock(event.at)}
                </td>
                <td>{event.stage}</td>
                <td>{event.vendor ?? (event.kind === 'item' ? 'the item' : event.event)}</td>
                <td>
                  <Status status={event.status} />
                  {event.errorCode !== null && <span class="mono"> {event.errorCode}</span>}
                </td>
                <td class="num">{event.durationMs === null ? '' : <Duration ms={event.durationMs} />}</td>
                <td class="num">{event.costUsd === null ? '' : <Money usd={event.costUsd} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="run-links sample-links">
        <span class="faint">
          cost <Money usd={facts.costUsd} complete={facts.isCostComplete} />
        </span>
        <a href={events}>{plural(facts.eventsTotal, 'event')}</a>
        <ExternalLink href={facts.langsmithUrl} name="LangSmith" />
      </p>
    </>
  );
}
