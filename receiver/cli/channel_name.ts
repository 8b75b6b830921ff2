/** What the commands about channels share: which channel is meant, and what may be shown of one. */

import type { Command } from 'commander';
import type { ChannelRecord } from '../derive/delivery/channels.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import { readTenantId } from '../serve/read.ts';
import type { CommandDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';

export function onName(command: Command): Command {
  return command
    .argument('<name>', 'name of the channel')
    .option('--tenant <id or name>', "a tenant's own channel; left out: the channel of all tenants")
    .option('--json', 'print the result as JSON');
}

export async function tenantOf(database: CommandDatabase, ref: string | undefined): Promise<number> {
  if (ref === undefined) return 0;
  const tenantId = await readTenantId(database.pool('runledger_operator'), check(tenantRefParam, ref, 'tenant'));
  if (tenantId === null) throw new CliError(EXIT.no, `There is no tenant ${ref}\nRun: runledger tenant list`);
  return tenantId;
}

export function noChannel(name: string, tenantId: number): CliError {
  const whose = tenantId === 0 ? 'of all tenants' : `of tenant ${tenantId}`;
  return new CliError(EXIT.no, `There is no channel ${name} ${whose}\nRun: runledger channel list`);
}

export type ChannelLine = ReturnType<typeof channelLine>;

export function channelLine(record: ChannelRecord) {
  return {
    tenant_id: record.tenantId,
    channel: record.channel,
    kind: record.kind,
    host: record.host,
    min_severity: record.minSeverity,
    allow_private: record.allowPrivate,
    enabled: record.enabled,
    from_environment: record.fromEnvironment,
    created_at: record.createdAt.toISOString(),
  };
}
