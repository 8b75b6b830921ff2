/** What the commands about channels share: which channel is meant, and the record of what was done with it. */

import type { Command } from 'commander';
import type { Pool, PoolClient } from 'pg';
import { recordAct } from '../derive/alerts/acts.ts';
import type { ChannelKey } from '../derive/delivery/outbox.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import { readTenantId } from '../serve/read.ts';
import type { CommandDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { loginName } from './login_name.ts';

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

/** In the transaction of the change where there is one. */
export function recordChannelAct(
  client: Pool | PoolClient,
  act: string,
  { tenantId, channel }: ChannelKey,
  details: object | null = null,
): Promise<void> {
  const line = { tenantId, actor: loginName(), act, object: `channel ${channel}`, reason: null, details };
  return recordAct(client, line, new Date());
}
