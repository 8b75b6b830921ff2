/** An alert's numbers in words: what was measured against which limit, and everything else that explains it. */

import type { AlertLine } from '../../receiver/serve/shape_alerts.ts';
import { formatCount, formatDuration, formatExact, formatMoney, formatPercent, spaced } from '../format.ts';

type Numbers = AlertLine['numbers'];
type Value = Numbers[string];

/** One line for a person: "crawl: 42.0 %, limit 30.0 %". */
export function sentenceOf(alert: Pick<AlertLine, 'subject' | 'numbers' | 'code'>): string {
  const { value, limit } = alert.numbers;
  const about = alert.subject === '' ? 'The run' : spaced(alert.subject);
  const show = (one: Value) => formatNumber('value', one ?? null, alert.code);
  if (value == null) return `${about}.`;
  return limit == null ? `${about}: ${show(value)}.` : `${about}: ${show(value)} against a limit of ${show(limit)}.`;
}

/** Codes whose value is a share of 1. */
const SHARES = new Set(['CR-02', 'QA-12', 'SL-14']);
const MONEY = new Set(['CB-10']);
const MILLISECONDS = new Set(['LR-11']);

export function formatNumber(name: string, value: Value, code: string): string {
  if (value === null) return 'not known';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  const number = typeof value === 'number' ? value : Number(value);
  if (typeof value === 'string' && (value === '' || Number.isNaN(number))) return value;
  if (/_ms$/.test(name)) return formatDuration(number);
  if (/_seconds$|^seconds$/.test(name)) return formatDuration(number * 1000);
  if (/_usd$/.test(name)) return formatMoney(number);
  if (/(^|_)(rate|share)$/.test(name)) return formatPercent(number);
  if (name === 'value' || name === 'limit') {
    if (MONEY.has(code)) return formatMoney(number);
    if (MILLISECONDS.has(code)) return formatDuration(number);
    if (SHARES.has(code) && number >= 0 && number <= 1) return formatPercent(number);
  }
  return Number.isInteger(number) ? formatCount(number) : formatExact(Number(number.toPrecision(4)));
}

/** The numbers in the order of use: measured, limit, then the rest by name. */
export function numberLines(numbers: Numbers): [string, Value][] {
  const first = ['value', 'limit'];
  const rest = Object.keys(numbers)
    .filter((name) => !first.includes(name))
    .sort();
  return [...first.filter((name) => name in numbers), ...rest].map((name) => [name, numbers[name] ?? null]);
}
