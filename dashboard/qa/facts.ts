/** A sample's facts as they were kept at the draw, read without trusting their shape: they are JSON of the ledger's, and of the pipeline's inside. */

import type { QaSample } from '../../receiver/serve/shape_qa.ts';

export interface FactEvent {
  at: string;
  stage: string;
  kind: string;
  event: string;
  status: string;
  errorCode: string | null;
  vendor: string | null;
  durationMs: number | null;
  costUsd: string | null;
}

export interface Facts {
  /** What the pipeline said about the item. */
  stated: [string, string][];
  events: FactEvent[];
  /** How many there were; `events` may be fewer. */
  eventsTotal: number;
  costUsd: string | null;
  isCostComplete: boolean;
  langsmithUrl: string | null;
}

type Json = Record<string, unknown>;

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** The item's own name is shown above, and the span's name says nothing about it. */
const NOT_SHOWN = new Set(['item_id', 'name']);

export function factsOf(sample: QaSample): Facts {
  const facts = sample.facts ?? {};
  const events = Array.isArray(facts.events) ? facts.events.filter(isJson).map(eventOf) : [];
  const extra = isJson(facts.extra) ? facts.extra : {};
  const links = isJson(facts.links) ? facts.links : {};
  return {
    stated: Object.entries(extra)
      .filter(([name]) => !NOT_SHOWN.has(name))
      .map(([name, value]) => [name, text(value) ?? JSON.stringify(value)]),
    events,
    eventsTotal: number(facts.events_total) ?? events.length,
    costUsd: text(facts.cost_usd),
    isCostComplete: (number(facts.unpriced_calls) ?? 0) === 0,
    langsmithUrl: text(links.langsmith_trace_url),
  };
}

function eventOf(event: Json): FactEvent {
  return {
    at: text(event.ts) ?? '',
    stage: text(event.stage) ?? '',
    kind: text(event.kind) ?? '',
    event: text(event.event) ?? '',
    status: text(event.status) ?? '',
    errorCode: text(event.error_code),
    vendor: text(event.vendor),
    durationMs: number(event.duration_ms),
    costUsd: text(event.cost_usd),
  };
}
