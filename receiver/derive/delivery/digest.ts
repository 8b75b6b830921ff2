/** Many messages that wait for one channel, as one list: what wakes somebody first, then by code, then by time. */

import { createHash } from 'node:crypto';
import type { AlertMessage } from '../alerts/finding.ts';
import type { Outgoing } from './request.ts';

/** What one post says of one code. */
export interface DigestGroup {
  code: string;
  rule: string;
  /** Whether something in it wakes people: it fires, and is a page. */
  pages: boolean;
  items: Outgoing[];
}

/** Groups in the order of the list; within a group by time, so that an alert fires before it resolves. */
export function groupMessages(outgoing: readonly Outgoing[]): DigestGroup[] {
  const groups = new Map<string, DigestGroup>();
  for (const item of outgoing) {
    const { code, rule } = item.message;
    const group = groups.get(code) ?? { code, rule, pages: false, items: [] };
    group.items.push(item);
    group.pages ||= wakes(item.message);
    groups.set(code, group);
  }
  const sorted = [...groups.values()].sort((a, b) => Number(b.pages) - Number(a.pages) || compareText(a.code, b.code));
  for (const group of sorted) group.items.sort((a, b) => compareText(a.message.event_at, b.message.event_at));
  return sorted;
}

/** Of the same messages always the same, in whatever order they were read. */
export function digestId(outgoing: readonly Outgoing[]): string {
  const ids = outgoing.map(({ deliveryId }) => deliveryId).sort();
  return `digest-${createHash('sha256').update(ids.join(',')).digest('hex').slice(0, 24)}`;
}

/** `7 alerts fired (2 page), 3 resolved`. */
export function countEvents(outgoing: readonly Outgoing[]): string {
  const fired = outgoing.filter(({ message }) => message.event !== 'resolved');
  const resolved = outgoing.length - fired.length;
  const pages = fired.filter(({ message }) => message.severity === 'page').length;
  const parts = [
    ...(fired.length === 0 ? [] : [`${fired.length} ${fired.length === 1 ? 'alert' : 'alerts'}`]),
    ...(resolved === 0 ? [] : [`${resolved} resolved`]),
  ];
  return `${parts.join(', ')}${pages === 0 ? '' : ` (${pages} page)`}`;
}

function wakes(message: AlertMessage): boolean {
  return message.severity === 'page' && message.event !== 'resolved';
}

/** By code unit: the order must not depend on the machine's language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
