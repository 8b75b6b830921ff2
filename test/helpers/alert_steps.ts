/** Random histories of one alert key, as fast-check makes them: what the rule says, what people do, how time goes. */

import fc from 'fast-check';
import type { Finding, Severity } from '../../receiver/derive/alerts/finding.ts';

export type AlertStep =
  | { do: 'look'; said: 'good' | 'hold' | Severity; value: number }
  | { do: 'ack' }
  | { do: 'snooze'; minutes: number }
  | { do: 'wait'; minutes: number };

const minutes = fc.integer({ min: 1, max: 500 });

export const alertStep: fc.Arbitrary<AlertStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      said: fc.constantFrom('good' as const, 'hold' as const, 'warn' as const, 'page' as const),
      value: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'ack' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('snooze' as const), minutes }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes }) },
);

export const alertSteps = fc.array(alertStep, { maxLength: 40 });

export interface StepSubject {
  tenantId: number;
  environment: string;
  pipeline: string;
  subject: string;
}

/** What a rule finds when it looks; nothing when all is good. */
export function findingOf(step: Extract<AlertStep, { do: 'look' }>, subject: StepSubject): Finding[] {
  if (step.said === 'good') return [];
  if (step.said === 'hold') return [{ ...subject, verdict: 'hold', severity: null, runId: null, numbers: {} }];
  return [{ ...subject, verdict: 'bad', severity: step.said, runId: null, numbers: { value: step.value, limit: 1 } }];
}

/**
 * A second account of what must be said, kept by a much simpler rule: what the reader knows. It has no states but what was said last.
 * Reminders are left to the caller, because they depend on time.
 */
export class ReaderOfMessages {
  /** null: nothing is wrong as far as messages say. */
  knows: Severity | null = null;

  /** What a look must say to this reader, apart from reminders. */
  mustHear(said: 'good' | 'hold' | Severity): 'fired' | 'escalated' | 'resolved' | null {
    if (said === 'hold') return null;
    if (said === 'good') return this.knows === null ? null : 'resolved';
    if (this.knows === null) return 'fired';
    return this.knows === 'warn' && said === 'page' ? 'escalated' : null;
  }

  looked(said: 'good' | 'hold' | Severity): void {
    if (said === 'good') this.knows = null;
    else if (said !== 'hold') this.knows = said;
  }
}
