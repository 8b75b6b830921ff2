/**
 * A channel that was made or enabled while alerts fire hears of them at the next look, once, as of something that is still there. Whoever
 * looked after an alert or put it off is not spoken over.
 */

import type { PoolClient } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { JudgedRule } from './judge.ts';
import type { MessageLinks } from './message.ts';
import type { TenantFacts } from './message_facts.ts';
import { readOpenAlerts, type StoredAlert } from './open_alerts.ts';
import { composeAll, type ToldChange } from './tell.ts';

interface Unheard {
  tenant_id: number;
  alert_id: number;
  channel_tenant_id: number;
  channel: string;
}

/** After the messages of this look were put. @returns how many more were put: one for each alert and channel */
export async function tellNewChannels(
  client: PoolClient,
  rule: JudgedRule,
  tenants: ReadonlyMap<number, TenantFacts>,
  links: MessageLinks,
  now: Date,
): Promise<number> {
  const { rows: unheard } = await client.query<Unheard>(loadSql('queries/alerts/read_unheard'), [rule.rule]);
  if (unheard.length === 0) return 0;
  const wanted = new Set(unheard.map(({ alert_id }) => alert_id));
  const open = (await readOpenAlerts(client, rule.rule)).filter(({ alertId }) => wanted.has(alertId));
  const told = open.map((alert) => ({ alertId: alert.alertId, change: stillThere(alert, now) }));
  const messages = await composeAll(client, rule, told, tenants, links);
  const byAlert = new Map(messages.map((message) => [message.alert_id, message]));
  const rows = unheard.flatMap((one) => {
    const message = byAlert.get(one.alert_id);
    return message === undefined ? [] : [{ ...one, event: message.event, event_at: message.event_at, message }];
  });
  const put = await client.query(loadSql('queries/alerts/put_messages'), [JSON.stringify(rows), now]);
  return put.rowCount ?? 0;
}

/** The alert stays as it is: when it was last said again to those who know of it is theirs. */
function stillThere(alert: StoredAlert, now: Date): ToldChange<StoredAlert> {
  const record = { ...alert.record, remindedAt: now };
  return { change: 'update', event: 'reminder', before: alert, subject: alert.subject, record, resolvedRunId: null };
}
