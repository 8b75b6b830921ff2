/**
 * What becomes of one alert at one look: pure, so that the sweep, the simulation and the tests decide alike. A message goes out when
 * something changes for the person who reads it, and never because time has passed, unless the rule asks for reminders.
 */

import type { AlertEvent, AlertState, Finding, Numbers, Severity } from './finding.ts';

/** One alert from its first bad look to the good one, without its key. */
export interface AlertRecord {
  severity: Severity;
  state: AlertState;
  runId: number | null;
  numbers: Numbers;
  firedAt: Date;
  lastBadAt: Date;
  /** When it was last said again, by a reminder or by a rise of its severity. */
  remindedAt: Date | null;
  /** Ends a snooze; looked at in state snoozed alone. */
  snoozedUntil: Date | null;
  resolvedAt: Date | null;
  resolvedBecause: ResolvedBecause | null;
}

export type ResolvedBecause = 'good' | 'rule_disabled' | 'tenant_disabled';

/** What the rule says of the alert's key now; disabled things are not judged, which ends what is open. */
export type Judgement =
  | { verdict: 'bad'; severity: Severity; runId: number | null; numbers: Numbers }
  | { verdict: 'hold' }
  | { verdict: 'good' }
  | { verdict: 'ended'; because: Exclude<ResolvedBecause, 'good'> };

export interface Decision {
  change: 'none' | 'fire' | 'update' | 'resolve';
  /** The alert as it is now; null: there is none. */
  record: AlertRecord | null;
  /** The message to send, if any. */
  event: Exclude<AlertEvent, 'test'> | null;
}

export interface DecideOptions {
  now: Date;
  /** null: no reminders. */
  remindAfterMinutes: number | null;
}

const MINUTE_MS = 60_000;

/** A subject without a finding is good. */
export function judgementOf(finding: Finding | undefined): Judgement {
  if (finding === undefined) return { verdict: 'good' };
  if (finding.verdict === 'hold') return { verdict: 'hold' };
  const { severity, runId, numbers } = finding;
  return { verdict: 'bad', severity: severity ?? 'warn', runId, numbers };
}

/** @param open the alert of this key that is not resolved, or null */
export function decide(open: AlertRecord | null, judgement: Judgement, options: DecideOptions): Decision {
  if (judgement.verdict === 'hold') return { change: 'none', record: open, event: null };
  if (open === null) {
    if (judgement.verdict !== 'bad') return { change: 'none', record: null, event: null };
    return { change: 'fire', record: fired(judgement, options.now), event: 'fired' };
  }
  // Clocks of several receivers differ; time of one alert does not run backwards.
  const now = latest(options.now, open.lastBadAt);
  if (judgement.verdict === 'bad') return goesOn(open, judgement, now, options.remindAfterMinutes);
  const resolvedBecause = judgement.verdict === 'good' ? 'good' : judgement.because;
  return {
    change: 'resolve',
    record: { ...open, state: 'resolved', resolvedAt: now, resolvedBecause },
    event: 'resolved',
  };
}

type Bad = Extract<Judgement, { verdict: 'bad' }>;

function fired({ severity, runId, numbers }: Bad, now: Date): AlertRecord {
  return {
    severity,
    state: 'firing',
    runId,
    numbers,
    firedAt: now,
    lastBadAt: now,
    remindedAt: null,
    snoozedUntil: null,
    resolvedAt: null,
    resolvedBecause: null,
  };
}

/** Changed numbers and a fall from page to warn are kept and not said. */
function goesOn(open: AlertRecord, bad: Bad, now: Date, remindAfterMinutes: number | null): Decision {
  const { severity, runId, numbers } = bad;
  const record: AlertRecord = { ...open, severity, runId: runId ?? open.runId, numbers, lastBadAt: now };
  // Whoever acknowledged or snoozed a warning did not decide about what pages.
  if (open.severity === 'warn' && severity === 'page') return said(record, now, 'escalated');
  const snoozeEnds = open.state === 'snoozed' && (open.snoozedUntil === null || open.snoozedUntil <= now);
  if (snoozeEnds || (open.state === 'firing' && isTimeToRemind(open, now, remindAfterMinutes)))
    return said(record, now, 'reminder');
  return { change: 'update', record, event: null };
}

function said(record: AlertRecord, now: Date, event: 'escalated' | 'reminder'): Decision {
  return { change: 'update', record: { ...record, state: 'firing', snoozedUntil: null, remindedAt: now }, event };
}

function isTimeToRemind(open: AlertRecord, now: Date, remindAfterMinutes: number | null): boolean {
  if (remindAfterMinutes === null) return false;
  const since = open.remindedAt ?? open.firedAt;
  return now.getTime() - since.getTime() >= remindAfterMinutes * MINUTE_MS;
}

function latest(one: Date, other: Date): Date {
  return one > other ? one : other;
}
