/** Numbers must not say more than they know, and what telemetry says must not steer a terminal. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DASH, formatCount, formatDuration, formatShare, formatUsd } from '../../receiver/cli/format.ts';
import { createStyle } from '../../receiver/cli/style.ts';
import { type Column, clean, renderTable, textWidth } from '../../receiver/cli/table.ts';

describe('format', () => {
  it.each([
    [null, DASH],
    [0, '0 ms'],
    [999, '999 ms'],
    [999.9, '1.00 s'],
    [9_999, '10.0 s'],
    [59_999, '1 m 00 s'],
    [192_000, '3 m 12 s'],
    [3_599_900, '1 h 00 m'],
    [90_000_000, '25 h 00 m'],
    [360_000_000, '4 d 4 h'],
  ])('a duration of %s ms reads %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    ['12.48', true, '$12.48'],
    ['1234.5', true, '$1,234.50'],
    ['0', true, '$0'],
    ['0', false, DASH],
    ['12.4', false, '≥ $12.40'],
    ['0.000228', true, '$0.00023'],
    ['0.01', true, '$0.01'],
    ['0.0099', true, '$0.0099'],
  ] as const)('%s dollars, complete %s, read %s', (text, complete, shown) =>
    expect(formatUsd(text, complete)).toBe(shown),
  );

  it('a share is never rounded to all or nothing', () => {
    expect(formatShare(9999, 10_000)).toBe('99.9 %');
    expect(formatShare(1, 100_000)).toBe('0.1 %');
    expect(formatShare(10, 10)).toBe('100 %');
    expect(formatShare(0, 10)).toBe('0 %');
    expect(formatShare(0, 0)).toBe(DASH);
  });

  it('counts are exact below a million', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), (n) => Number(formatCount(n).replaceAll(',', '')) === n),
    );
    expect(formatCount(1_234_567)).toBe('1.23 M');
    expect(formatCount(999_999_999)).toBe('1.00 G');
  });
});

describe('table', () => {
  const style = createStyle(false);
  const columns: Column<string[]>[] = [
    { title: 'name', value: (row) => row[0] ?? '', shrinksTo: 6 },
    { title: 'n', value: (row) => row[1] ?? '', align: 'right' },
    { title: 'more', value: (row) => row[2] ?? '', leaves: 5 },
  ];

  it('no line is wider than the terminal, whatever the cells hold', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, fc.nat().map(String), cell)),
        fc.integer({ min: 25, max: 120 }),
        (rows, width) => {
          for (const line of renderTable(columns, rows, { style, width }).split('\n')) {
            expect(textWidth(line)).toBeLessThanOrEqual(width);
          }
        },
      ),
    );
  });

  it('nothing is cut where there is no terminal', () => {
    const text = renderTable(columns, [['x'.repeat(300), '1', 'y'.repeat(300)]], {
      style,
      width: Number.POSITIVE_INFINITY,
    });
    expect(text).toContain('x'.repeat(300));
    expect(text).toContain('y'.repeat(300));
  });

  it('control characters and escape sequences of telemetry never reach the terminal', () => {
    for (const evil of ['\x1b[31mred\x1b[0m', 'a\x1b]0;title\x07b', '\x1b[2J', 'a\r\nb\tc', '\u202egnp', '\x9b31m']) {
      expect(clean(evil)).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
      expect(renderTable(columns, [[evil, '1', evil]], { style, width: 80 }).split('\n')).toHaveLength(3);
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/\p{Cc}/u.test(clean(text))));
  });
});
