/** Puts the messages of changed alerts into the outbox, in the transaction that changes the alerts; delivery sends them afterwards. */

import type { PoolClient } from 'pg';
import { loadSql } from '../../store/sql.ts';
import type { AlertMessage, Severity } from './finding.ts';

interface Channel {
  tenant_id: number;
  channel: string;
  min_severity: Severity;
}

/** @returns how many were put: one for each message and channel */
export async function putMessages(client: PoolClient, messages: readonly AlertMessage[], now: Date): Promise<number> {
  if (messages.length === 0) return 0;
  const { rows: channels } = await client.query<Channel>(loadSql('queries/alerts/read_channels'));
  if (channels.length === 0) return 0;
  const told = await readTold(client, messages);
  const rows = messages.flatMap((message) =>
    channels
      .filter((channel) => wants(channel, message, told))
      .map((channel) => ({
        tenant_id: message.tenant_id,
        alert_id: message.alert_id,
        channel_tenant_id: channel.tenant_id,
        channel: channel.channel,
        event: message.event,
        event_at: message.event_at,
        message,
      })),
  );
  if (rows.length === 0) return 0;
  const { rowCount } = await client.query(loadSql('queries/alerts/put_messages'), [JSON.stringify(rows), now]);
  return rowCount ?? 0;
}

/** Whoever was told that something is wrong is told that it is over, and nobody else. */
function wants(channel: Channel, message: AlertMessage, told: ReadonlySet<string>): boolean {
  if (channel.tenant_id !== 0 && channel.tenant_id !== message.tenant_id) return false;
  if (message.event === 'resolved')
    return told.has(toldKey(message.tenant_id, message.alert_id, channel.tenant_id, channel.channel));
  return message.severity === 'page' || channel.min_severity === 'warn';
}

async function readTold(client: PoolClient, messages: readonly AlertMessage[]): Promise<Set<string>> {
  const resolved = messages.filter(({ event }) => event === 'resolved');
  if (resolved.length === 0) return new Set();
  const alerts = resolved.map(({ tenant_id, alert_id }) => ({ tenant_id, alert_id }));
  const { rows } = await client.query<{
    tenant_id: number;
    alert_id: number;
    channel_tenant_id: number;
    channel: string;
  }>(loadSql('queries/alerts/read_told'), [JSON.stringify(alerts)]);
  return new Set(rows.map((row) => toldKey(row.tenant_id, row.alert_id, row.channel_tenant_id, row.channel)));
}

function toldKey(tenantId: number, alertId: number, channelTenantId: number, channel: string): string {
  return JSON.stringify([tenantId, alertId, channelTenantId, channel]);
}
