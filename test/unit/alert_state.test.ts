/** The state of one alert over random histories: told once, never silent, always ended. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AlertRecord, type Decision, decide, judgementOf } from '../../receiver/derive/alerts/decide.ts';
import { type AlertStep, alertSteps, findingOf, ReaderOfMessages } from '../helpers/alert_steps.ts';

const SUBJECT = { tenantId: 7, environment: '', pipeline: 'nightly', subject: '' };
const MINUTE_MS = 60_000;
const START = new Date('2026-03-01T02:00:00Z');

/** What the simulated receiver and its people hold between two steps. */
interface Scene {
  open: AlertRecord | null;
  now: Date;
}

const later = (time: Date, minutes: number) => new Date(time.getTime() + minutes * MINUTE_MS);

function act(scene: Scene, step: Exclude<AlertStep, { do: 'look' }>): void {
  if (step.do === 'wait') scene.now = later(scene.now, step.minutes);
  else if (scene.open !== null && step.do === 'ack') scene.open = { ...scene.open, state: 'acked' };
  else if (scene.open !== null && step.do === 'snooze')
    scene.open = { ...scene.open, state: 'snoozed', snoozedUntil: later(scene.now, step.minutes) };
}

function look(scene: Scene, step: Extract<AlertStep, { do: 'look' }>, remindAfterMinutes: number | null): Decision {
  const judgement = judgementOf(findingOf(step, SUBJECT)[0]);
  const decision = decide(scene.open, judgement, { now: scene.now, remindAfterMinutes });
  scene.open = decision.record?.state === 'resolved' ? null : decision.record;
  return decision;
}

const remind = fc.option(fc.integer({ min: 5, max: 300 }), { nil: null });

test('every look says what its reader does not know yet, once, and nothing else but reminders', () => {
  fc.assert(
    fc.property(alertSteps, remind, (steps, remindAfterMinutes) => {
      const scene: Scene = { open: null, now: START };
      const reader = new ReaderOfMessages();
      for (const step of steps) {
        if (step.do !== 'look') {
          act(scene, step);
          continue;
        }
        const expected = reader.mustHear(step.said);
        const { event } = look(scene, step, remindAfterMinutes);
        if (expected !== null) expect(event).toBe(expected);
        else expect([null, 'reminder']).toContain(event);
        reader.looked(step.said);
        expect(scene.open?.severity ?? null).toBe(reader.knows);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('the same look again says nothing, whatever was before', () => {
  fc.assert(
    fc.property(alertSteps, remind, (steps, remindAfterMinutes) => {
      const scene: Scene = { open: null, now: START };
      for (const step of steps) {
        if (step.do !== 'look') act(scene, step);
        else {
          look(scene, step, remindAfterMinutes);
          const before = structuredClone(scene.open);
          expect(look(scene, step, remindAfterMinutes).event).toBeNull();
          expect(scene.open).toEqual(before);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test('nobody is reminded of what somebody has acknowledged, nor before a snooze ends, nor without a rule that asks', () => {
  fc.assert(
    fc.property(alertSteps, remind, (steps, remindAfterMinutes) => {
      const scene: Scene = { open: null, now: START };
      for (const step of steps) {
        if (step.do !== 'look') {
          act(scene, step);
          continue;
        }
        const before = scene.open;
        const { event } = look(scene, step, remindAfterMinutes);
        if (event !== 'reminder') continue;
        expect(before?.state).not.toBe('acked');
        if (before?.state === 'snoozed')
          expect(before.snoozedUntil?.getTime()).toBeLessThanOrEqual(scene.now.getTime());
        else {
          const since = (before?.remindedAt ?? before?.firedAt)?.getTime() ?? Number.NaN;
          expect(scene.now.getTime() - since).toBeGreaterThanOrEqual((remindAfterMinutes ?? Number.NaN) * MINUTE_MS);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('one good look ends whatever is open', () => {
  fc.assert(
    fc.property(alertSteps, remind, (steps, remindAfterMinutes) => {
      const scene: Scene = { open: null, now: START };
      for (const step of steps) step.do === 'look' ? look(scene, step, remindAfterMinutes) : act(scene, step);
      const wasOpen = scene.open !== null;
      const decision = look(scene, { do: 'look', said: 'good', value: 0 }, remindAfterMinutes);
      expect(decision.event).toBe(wasOpen ? 'resolved' : null);
      if (wasOpen) expect(decision.record).toMatchObject({ state: 'resolved', resolvedBecause: 'good' });
      expect(scene.open).toBeNull();
    }),
  );
});

describe('one step', () => {
  const fired = (severity: 'warn' | 'page' = 'warn'): AlertRecord => {
    const { record } = decide(
      null,
      { verdict: 'bad', severity, runId: 11, numbers: { value: 2 } },
      { now: START, remindAfterMinutes: null },
    );
    if (record === null) throw new Error('it did not fire');
    return record;
  };
  const bad = (severity: 'warn' | 'page', value = 2) =>
    ({ verdict: 'bad', severity, runId: 12, numbers: { value } }) as const;
  const options = { now: later(START, 30), remindAfterMinutes: null };

  test('a snooze is silent to its end, then says that it is still bad', () => {
    const open: AlertRecord = { ...fired(), state: 'snoozed', snoozedUntil: later(START, 60) };
    expect(decide(open, bad('warn'), options)).toMatchObject({ event: null, record: { state: 'snoozed', runId: 12 } });
    expect(decide(open, bad('warn'), { ...options, now: later(START, 60) })).toMatchObject({
      event: 'reminder',
      record: { state: 'firing', snoozedUntil: null },
    });
  });

  test('what pages now is said although the warning was acknowledged or snoozed', () => {
    const states = [{ state: 'acked' }, { state: 'snoozed', snoozedUntil: later(START, 600) }] as const;
    for (const state of states) {
      const decision = decide({ ...fired(), ...state }, bad('page'), options);
      expect(decision).toMatchObject({ event: 'escalated', record: { state: 'firing', severity: 'page' } });
    }
  });

  test('a fall from page to warn and changed numbers are kept and not said', () => {
    const open: AlertRecord = { ...fired('page'), state: 'acked' };
    const decision = decide(open, bad('warn', 9), options);
    expect(decision).toMatchObject({
      event: null,
      record: { state: 'acked', severity: 'warn', numbers: { value: 9 } },
    });
  });

  test('a switched off rule and a disabled tenant end it with a message; what holds leaves it alone', () => {
    for (const because of ['rule_disabled', 'tenant_disabled'] as const)
      expect(decide(fired(), { verdict: 'ended', because }, options)).toMatchObject({
        event: 'resolved',
        record: { resolvedBecause: because, resolvedAt: options.now },
      });
    const open = fired();
    expect(decide(open, { verdict: 'hold' }, options)).toEqual({ change: 'none', record: open, event: null });
    expect(decide(null, { verdict: 'ended', because: 'rule_disabled' }, options).event).toBeNull();
  });

  test('a receiver whose clock is behind does not resolve an alert before it was bad', () => {
    const open = fired();
    const { record } = decide(open, { verdict: 'good' }, { ...options, now: later(START, -10) });
    expect(record?.resolvedAt).toEqual(open.lastBadAt);
  });
});
