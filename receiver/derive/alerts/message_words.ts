/**
 * What each kind of rule says of its numbers: the headline behind the code, and the sentence that explains it. The names of the numbers are
 * those of the kind's query in sql/jobs/alerts; a kind or a number that is not known here is listed as it is.
 */

import type { Numbers, Severity } from './finding.ts';
import { counted, formatCount, formatDuration, formatInstant, formatShare, formatUsd } from './message_format.ts';
import { ingestWords } from './message_words_ingest.ts';

export interface WordedRule {
  kind: string;
  title: string;
}

/** One alert's numbers with the reading that words need. */
export interface Reading {
  title: string;
  subject: string;
  /** null: it is not there, or is no number. */
  number(name: string): number | null;
  text(name: string): string | null;
  is(name: string): boolean;
}

/** `short` stands behind the rule's title, `long` is one or more whole sentences. */
export interface Words {
  short: string;
  long: string;
}

const MINUTE_MS = 60_000;

/** "crawl error rate high: 60 % of 200 units failed, limit 50 %" */
export function headlineOf(rule: WordedRule, subject: string, numbers: Numbers, _severity: Severity): string {
  const { short } = wordsOf(rule, subject, numbers);
  return short === '' ? rule.title : `${rule.title}: ${short}`;
}

export function sentenceOf(rule: WordedRule, subject: string, numbers: Numbers, _severity: Severity): string {
  return wordsOf(rule, subject, numbers).long;
}

function wordsOf(rule: WordedRule, subject: string, numbers: Numbers): Words {
  const reading: Reading = {
    title: rule.title,
    subject,
    number: (name) => (typeof numbers[name] === 'number' ? numbers[name] : null),
    text: (name) => (typeof numbers[name] === 'string' ? numbers[name] : null),
    is: (name) => numbers[name] === true,
  };
  return KIND_WORDS.get(rule.kind)?.(reading) ?? listed(reading, numbers);
}

function listed({ title, subject }: Reading, numbers: Numbers): Words {
  const list = Object.entries(numbers)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'number' ? formatCount(value) : value}`);
  const short = [...(subject === '' ? [] : [subject]), ...list].join(', ');
  return { short, long: `${capital(title)}${short === '' ? '' : `: ${short}`}.` };
}

/** null: the numbers that it needs are not there. */
type KindWords = (reading: Reading) => Words | null;

const WORDS: Record<string, KindWords> = {
  stage_failed: ({ subject, text, number, is }) => {
    const what = text('value');
    const failed = number('units_in_error');
    const units = number('units');
    // A stage that counts nothing but itself has said all by its status.
    const share = failed === null || units === null || failed === 0 || units === 1 ? '' : ofUnits(failed, units);
    if (what === 'failed') {
      const rest = share === '' ? '' : `; ${share} failed`;
      return { short: `stage ${subject} ended in error`, long: `Stage ${subject} ended in error${rest}.` };
    }
    if (what === 'errors')
      return { short: `${share} of ${subject} failed`, long: `In stage ${subject} ${share} failed.` };
    if (what !== 'absent') return null;
    const short = `no result of stage ${subject}`;
    if (is('run_is_over')) return { short, long: `The run ended without a result of stage ${subject}.` };
    const window = formatDuration((number('window_minutes') ?? 0) * MINUTE_MS);
    return {
      short: `${short} within ${window}`,
      long: `The run goes on without a result of stage ${subject}, ${window} after its start.`,
    };
  },

  stage_error_rate: ({ subject, number }) => {
    const [rate, limit, failed, units] = [number('value'), number('limit'), number('units_in_error'), number('units')];
    if (rate === null || limit === null || failed === null || units === null) return null;
    return {
      short: `${formatShare(rate)} of ${counted(units, 'unit')} failed, limit ${formatShare(limit)}`,
      long: `In stage ${subject} ${ofUnits(failed, units)} failed: ${formatShare(rate)}, above the limit of ${formatShare(limit)}.`,
    };
  },

  vendor_limits: ({ subject, number, is }) => {
    const hits = number('value');
    const calls = number('calls');
    if (hits === null || calls === null) return null;
    const limited = counted(hits, 'rate limit hit');
    const failed = `${formatCount(number('errors') ?? 0)} of ${counted(calls, 'call')} failed`;
    if (is('quota_exhausted'))
      return {
        short: `${subject} says that the quota is used up`,
        long: `${subject} says that the quota is used up; ${failed}, with ${limited}.`,
      };
    return {
      short: `${limited} of ${subject}`,
      long: `${subject} held calls back for their rate: ${limited}; ${failed}.`,
    };
  },

  metric_below: ({ subject, number, is }) => {
    const limit = number('limit');
    if (limit === null) return null;
    const value = number('value');
    if (value === null || !is('is_stated'))
      return {
        short: `${subject} is not stated`,
        long: `The run does not state ${subject}; at least ${formatCount(limit)} is expected.`,
      };
    return {
      short: `${subject} ${formatCount(value)}, at least ${formatCount(limit)} expected`,
      long: `The run states ${subject} as ${formatCount(value)}; at least ${formatCount(limit)} is expected.`,
    };
  },

  run_failed: ({ number, text }) => {
    const minutes = number('minutes');
    const after = minutes === null ? '' : `after ${formatDuration(minutes * MINUTE_MS)}`;
    const stages = text('stages_in_error');
    const units = number('units_in_error') ?? 0;
    const inError = stages === null ? '' : ` In error: ${stages}.`;
    const failed = units === 0 ? '' : ` ${capital(counted(units, 'unit'))} of work failed.`;
    const short = [...(stages === null ? [] : [`${stages} in error`]), ...(after === '' ? [] : [after])].join(', ');
    return { short, long: `The run ended as failed${after === '' ? '' : ` ${after}`}.${inError}${failed}` };
  },

  run_missed: ({ number, text }) => {
    const due = text('due_at');
    const by = text('start_by');
    if (due === null || by === null) return null;
    const missed = number('value') ?? 1;
    const inARow = missed > 1 ? ` ${formatCount(missed)} due times in a row had no run.` : '';
    return {
      short: `the one due at ${formatInstant(due)} did not start`,
      long: `The run that was due at ${formatInstant(due)} had not started by ${formatInstant(by)}.${inARow}`,
    };
  },

  run_stuck: ({ subject, number, text }) => {
    const [value, limit] = [number('value'), number('limit')];
    if (value === null) return null;
    const time = formatDuration(value * MINUTE_MS);
    const most = limit === null ? '' : `, limit ${formatDuration(limit * MINUTE_MS)}`;
    if (subject === 'over_limit')
      return { short: `going on for ${time}${most}`, long: `The run goes on for ${time}${most}.` };
    const last = text('last_received_at');
    const since = last === null ? '' : ` The last sign of it was at ${formatInstant(last)}.`;
    const status = text('status') === 'abandoned' ? ' It counts as abandoned now.' : '';
    return {
      short: `silent for ${time}`,
      long: `Nothing was received of the run for ${time}${most}.${since}${status}`,
    };
  },

  run_too_short: ({ number }) => {
    const [value, limit, median] = [number('value'), number('limit'), number('median_seconds')];
    if (value === null || limit === null) return null;
    const [took, least] = [formatDuration(value * 1000), formatDuration(limit * 1000)];
    const usual =
      median === null
        ? ''
        : ` The median of the ${counted(number('runs') ?? 0, 'run')} before is ${formatDuration(median * 1000)}.`;
    return {
      short: `it took ${took}, at least ${least} expected`,
      long: `The run succeeded after only ${took}; at least ${least} is expected.${usual}`,
    };
  },

  cost_budget: ({ subject, number, is }) => {
    const [value, limit] = [number('value'), number('limit')];
    if (value === null || limit === null) return null;
    const spent = `${is('at_least') ? 'at least ' : ''}${formatUsd(value)}`;
    const period = PERIODS.get(subject) ?? subject;
    const runs = subject === 'run' ? '' : ` by ${counted(number('runs') ?? 0, 'run')}`;
    const unpriced = number('unpriced_calls') ?? 0;
    const more =
      unpriced === 0 ? '' : ` ${capital(counted(unpriced, 'call'))} had no price, so the true sum is higher.`;
    return {
      short: `${spent} in ${period}, budget ${formatUsd(limit)}`,
      long: `Vendors cost ${spent} in ${period}${runs}; the budget is ${formatUsd(limit)}.${more}`,
    };
  },

  latency_regression: ({ subject, number }) => {
    const [value, limit, median] = [number('value'), number('limit'), number('median')];
    if (value === null || limit === null) return null;
    const usual =
      median === null
        ? ''
        : ` The median of the ${counted(number('runs') ?? 0, 'run')} before is ${formatDuration(median)}.`;
    return {
      short: `p95 of ${subject} ${formatDuration(value)}, limit ${formatDuration(limit)}`,
      long: `The p95 of stage ${subject} is ${formatDuration(value)} over ${counted(number('samples') ?? 0, 'duration')}; up to ${formatDuration(limit)} is usual.${usual}`,
    };
  },

  qa_pass_rate: ({ number }) => {
    const [value, limit, passed, reviewed] = [number('value'), number('limit'), number('passed'), number('reviewed')];
    if (value === null || limit === null || passed === null || reviewed === null) return null;
    return {
      short: `${formatShare(value)} of ${counted(reviewed, 'reviewed item')} passed, at least ${formatShare(limit)} expected`,
      long: `${formatCount(passed)} of ${counted(reviewed, 'reviewed item')} of the last runs passed: ${formatShare(value)}; at least ${formatShare(limit)} is expected.`,
    };
  },

  ingest: ingestWords,

  service_level: ({ subject, number, text }) => {
    const [value, limit] = [number('value'), number('limit')];
    if (value === null || limit === null) return null;
    const isTime = subject === 'p95_run_minutes';
    const shown = (one: number) => (isTime ? formatDuration(one * MINUTE_MS) : formatShare(one));
    const name = LEVELS.get(subject) ?? subject.replaceAll('_', ' ');
    const bound = isTime ? 'at most' : 'at least';
    return {
      short: `${name} ${shown(value)} in ${text('month') ?? 'this month'}, ${bound} ${shown(limit)} promised`,
      long: `Over the ${counted(number('runs') ?? 0, 'run')} of ${text('month') ?? 'this month'} (UTC) the ${name} is ${shown(value)}; ${bound} ${shown(limit)} is promised.`,
    };
  },
};

/** Maps, because a kind or subject may be called by any name. */
const KIND_WORDS = new Map(Object.entries(WORDS));

const PERIODS = new Map([
  ['run', 'this run'],
  ['day', 'this day (UTC)'],
  ['month', 'this month (UTC)'],
]);

const LEVELS = new Map([
  ['run_success_rate', 'share of runs that succeeded'],
  ['p95_run_minutes', 'p95 of run durations'],
  ['crawl_success_rate', 'share of crawled sites'],
  ['verified_email_rate', 'share of verified e-mail addresses'],
]);

function ofUnits(part: number, whole: number): string {
  return `${formatCount(part)} of ${counted(whole, 'unit')}`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
