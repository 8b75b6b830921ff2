/** What the ingest rule says of each of its subjects: what went wrong with the ledger itself. */

import { counted, formatCount, formatDuration, formatInstant } from './message_format.ts';

interface Reading {
  subject: string;
  number(name: string): number | null;
  text(name: string): string | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export function ingestWords(reading: Reading): { short: string; long: string } | null {
  const [what = '', ...rest] = reading.subject.split(':');
  return SUBJECT_WORDS.get(what)?.(reading, rest.join(':')) ?? null;
}

const SUBJECTS: Record<string, (reading: Reading, which: string) => { short: string; long: string } | null> = {
  refused: ({ number }, reason) => {
    const spans = number('value');
    if (spans === null) return null;
    return {
      short: `${counted(spans, 'span')} refused as ${reason}`,
      long: `Today and yesterday (UTC) ${counted(spans, 'span was', 'spans were')} refused as ${reason} and are not in the ledger; the sender was told why.`,
    };
  },

  conflicts: ({ number }) => {
    const spans = number('value');
    if (spans === null) return null;
    return {
      short: `${counted(spans, 'resend')} with other content`,
      long: `Today and yesterday (UTC) ${counted(spans, 'span')} came again with other content under the same key; the first is kept.`,
    };
  },

  parked: ({ number, text }) => {
    const rows = number('value');
    if (rows === null) return null;
    const oldest = number('oldest_minutes');
    const since = oldest === null ? '' : `, the oldest for ${formatDuration(oldest * MINUTE_MS)}`;
    const why = text('reasons');
    return {
      short: `${counted(rows, 'span')} without a run`,
      long: `${counted(rows, 'span waits', 'spans wait')} for their run${since}${why === null ? '' : ` (${why})`}; after a day they are given up.`,
    };
  },

  incomplete: ({ number }) => {
    const [stored, sent] = [number('value'), number('limit')];
    if (stored === null || sent === null) return null;
    const missing = (
      [
        ['missing_stages', 'stage'],
        ['missing_items', 'item'],
        ['missing_vendor_calls', 'vendor call'],
      ] as const
    ).flatMap(([name, one]) => {
      const count = number(name) ?? 0;
      return count === 0 ? [] : [counted(count, one)];
    });
    const dropped = number('dropped_by_sender') ?? 0;
    const lost = dropped === 0 ? '' : ` The sender says that it dropped ${counted(dropped, 'span')}.`;
    return {
      short: `a run lacks ${missing.join(', ') || 'spans'}`,
      long: `Of the ${formatCount(sent)} stages, items and vendor calls that the sender ended, ${formatCount(stored)} are stored${missing.length === 0 ? '' : `: ${missing.join(', ')} missing`}.${lost}`,
    };
  },

  delivery: ({ number, text }, channel) => {
    const dead = number('value');
    if (dead === null) return null;
    const error = text('last_error');
    return {
      short: `channel ${channel} gets no messages through`,
      long: `${counted(dead, 'message', 'messages')} to channel ${channel} could not be delivered${error === null ? '' : `: ${error}`}. Nobody reads there what else is wrong.`,
    };
  },

  audit: ({ number, text }) => {
    const difference = number('value');
    if (difference === null) return null;
    return {
      short: `the audit found ${counted(difference, 'difference')}`,
      long: `Counters and events differ in ${counted(difference, 'value')} (job ${text('job') ?? 'audit'}); of sealed runs in ${formatCount(number('sealed_difference') ?? 0)}.`,
    };
  },

  audit_missing: ({ number, text }) => {
    const hours = number('value');
    if (hours === null) return null;
    const last = text('last_audit_at');
    return {
      short: `no audit for ${formatDuration(hours * HOUR_MS)}`,
      long: `Counters are compared with their events every night; the last time was ${last === null ? 'never' : formatInstant(last)}. Until then nobody knows that they agree.`,
    };
  },

  rule: ({ text }, name) => ({
    short: `rule ${name} has a wrong parameter`,
    long: `Rule ${name}, or an override of it, is not judged because of a parameter: ${text('problem') ?? 'see the rule'}.`,
  }),
};

/** A map, because a subject may be called by any name. */
const SUBJECT_WORDS = new Map(Object.entries(SUBJECTS));
