/**
 * Places events on a span until it is nearly full, then on small carrier spans beside it. OpenTelemetry keeps 128 events per span and
 * throws the oldest away in silence, and a stage may log thousands.
 */

import type { Attributes, Span } from '@opentelemetry/api';
import { ATTR } from './attributes.ts';
import { eventCountLimit } from './environment.ts';
import type { OpenSpan } from './open_span.ts';
import { startSpan } from './start_span.ts';

/** Below the default limit of 128, leaving room for events that other code puts on the span. */
const EVENTS_PER_SPAN = 100;

export class EventSink {
  readonly #owner: OpenSpan;
  #target: Span;
  #room: number;
  #carrier: Span | null = null;

  constructor(owner: OpenSpan) {
    this.#owner = owner;
    this.#target = owner.span;
    this.#room = eventsPerSpan();
  }

  add(name: string, attributes: Attributes): void {
    if (this.#room === 0 || this.#owner.ended) this.#nextCarrier();
    this.#target.addEvent(name, attributes, this.#owner.frame.run.clock?.now());
    this.#room--;
    if (this.#owner.ended) this.close();
  }

  /** Ends the open carrier: its events leave now. */
  close(): void {
    this.#carrier?.end(this.#owner.frame.run.clock?.now());
    this.#carrier = null;
    this.#room = 0;
  }

  /** A carrier names run and stage but no item: a span that names an item would be counted as one. */
  #nextCarrier(): void {
    this.close();
    const { run, stage } = this.#owner.frame;
    const attributes: Attributes = { [ATTR.tenantId]: run.tenant, [ATTR.runId]: run.id };
    if (stage !== null) attributes[ATTR.stage] = stage.name;
    const at = run.clock?.now();
    this.#carrier = startSpan(run.tracer, { name: 'events', attributes, parent: this.#owner.context, at });
    this.#target = this.#carrier;
    this.#room = eventsPerSpan();
  }
}

function eventsPerSpan(): number {
  return Math.min(eventCountLimit() ?? EVENTS_PER_SPAN, EVENTS_PER_SPAN);
}
