/** Numbers as people read them: a rounded number must never say more than is true. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatNumber, sentenceOf } from '../../dashboard/alerts/sentence.ts';
import {
  DASH,
  formatAgo,
  formatChange,
  formatClock,
  formatCount,
  formatDuration,
  formatMoney,
  formatPercent,
  formatTime,
} from '../../dashboard/format.ts';
import { addMoney } from '../../dashboard/run/money.ts';

describe('what is not there', () => {
  it('is a dash and never 0', () => {
    for (const format of [formatCount, formatDuration, formatPercent, formatMoney, formatTime, formatAgo]) {
      expect(format(null)).toBe(DASH);
      expect(format(undefined)).toBe(DASH);
    }
    expect(formatTime('no time')).toBe(DASH);
    expect(formatMoney('no money')).toBe(DASH);
    expect(formatClock('no time')).toBe('no time');
  });
});

describe('counts', () => {
  it.each([
    [0, '0'],
    [9_999, '9,999'],
    [12_345, '12.3 k'],
    [999_499, '999 k'],
    [999_500, '1 M'],
    [4_510_000, '4.5 M'],
    [-12_345, '-12.3 k'],
    [0.256, '0.26'],
  ])('%d is %s', (value, text) => expect(formatCount(value)).toBe(text));
});

describe('durations', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_940, '59.9 s'],
    [59_960, '1 m 00 s'],
    [192_000, '3 m 12 s'],
    [3_599_600, '1 h 00 m'],
    [7_500_000, '2 h 05 m'],
    [97_200_000, '1 d 3 h'],
    [-1_500, '-1.5 s'],
  ])('%d is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('never shows 60 of anything', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000_000 }), (ms) => {
        expect(formatDuration(ms)).not.toMatch(/\b60(\.0)? [sm]\b/);
      }),
    );
  });
});

describe('shares', () => {
  it('say all or nothing only where it is all or nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.nat(), (whole, given) => {
        const part = given % (whole + 1);
        const text = formatPercent(part / whole);
        expect(text === '100 %').toBe(part === whole);
        expect(text === '0 %').toBe(part === 0);
        expect(text).not.toBe('100.0 %');
        expect(text).not.toBe('0.0 %');
      }),
    );
  });
});

describe('money', () => {
  it.each([
    ['0', '$0'],
    ['5.3697343', '$5.37'],
    ['0.0017', '$0.0017'],
    ['0.0000711', '$0.000071'],
    ['1234.5', '$1,234.50'],
    ['-2', '-$2.00'],
  ])('%s is %s', (usd, text) => expect(formatMoney(usd)).toBe(text));

  it('adds up exactly, where floats would not', () => {
    expect(addMoney(['0.1', '0.2'])).toBe('0.3');
    expect(addMoney([])).toBe('0');
    expect(addMoney(['1', '-1.005'])).toBe('-0.005');
    const amount = fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 10 }));
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 20 }), (amounts) => {
        const texts = amounts.map(([units, digits]) => decimal(units, digits));
        const total = amounts.reduce((sum, [units, digits]) => sum + units * 10n ** BigInt(10 - digits), 0n);
        const shown = addMoney(texts);
        const digits = shown.split('.')[1]?.length ?? 0;
        expect(BigInt(shown.replace('.', '')) * 10n ** BigInt(10 - digits)).toBe(total);
      }),
    );
  });
});

function decimal(units: bigint, digits: number): string {
  const text = (units < 0n ? -units : units).toString().padStart(digits + 1, '0');
  const sign = units < 0n ? '-' : '';
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

describe('changes and times', () => {
  it('compare with something, or say nothing', () => {
    expect(formatChange(112, 100)).toBe('+12 %');
    expect(formatChange(80, 100)).toBe('−20 %');
    expect(formatChange(100, 100)).toBe('±0 %');
    expect(formatChange(5_000, 100)).toBe('× 50');
    expect(formatChange(5, 0)).toBeNull();
    expect(formatChange(null, 5)).toBeNull();
  });

  it('are near or far, past or to come', () => {
    const now = Date.parse('2026-11-23T12:00:00Z');
    expect(formatAgo('2026-11-23T11:59:55Z', now)).toBe('5 s ago');
    expect(formatAgo('2026-11-23T02:00:00Z', now)).toBe('10 h ago');
    expect(formatAgo('2026-11-20T12:00:00Z', now)).toBe('3 d ago');
    expect(formatAgo('2026-11-23T14:00:00Z', now)).toBe('in 2 h');
  });
});

describe("an alert's numbers", () => {
  it('are read by what they measure', () => {
    expect(formatNumber('value', 0.42, 'CR-02')).toBe('42.0 %');
    expect(formatNumber('value', 52.1, 'CB-10')).toBe('$52.10');
    expect(formatNumber('median_ms', 1500, 'LR-11')).toBe('1.5 s');
    expect(formatNumber('quota_exhausted', true, 'VQ-03')).toBe('yes');
    expect(formatNumber('limit', null, 'VQ-03')).toBe('not known');
    expect(formatNumber('job', 'audit', 'IN-13')).toBe('audit');
    expect(sentenceOf({ subject: 'crawl', code: 'CR-02', numbers: { value: 0.42, limit: 0.3 } })).toBe(
      'crawl: 42.0 % against a limit of 30.0 %.',
    );
    expect(sentenceOf({ subject: '', code: 'RF-07', numbers: {} })).toBe('The run.');
  });
});
