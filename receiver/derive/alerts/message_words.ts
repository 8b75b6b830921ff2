/** What each kind of rule says of its numbers: the headline behind the code, and the sentence that explains it. */

import type { Numbers, Severity } from './finding.ts';
import { formatCount } from './message_format.ts';

export interface WordedRule {
  kind: string;
  title: string;
}

/** "crawl error rate high: value 0.42, limit 0.3" */
export function headlineOf(rule: WordedRule, subject: string, numbers: Numbers, _severity: Severity): string {
  const what = subject === '' ? rule.title : `${rule.title}: ${subject}`;
  const listed = listNumbers(numbers);
  return listed === '' ? what : `${what} (${listed})`;
}

export function sentenceOf(rule: WordedRule, subject: string, numbers: Numbers, severity: Severity): string {
  return `${headlineOf(rule, subject, numbers, severity)}.`;
}

function listNumbers(numbers: Numbers): string {
  return Object.entries(numbers)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'number' ? formatCount(value) : value}`)
    .join(', ');
}
