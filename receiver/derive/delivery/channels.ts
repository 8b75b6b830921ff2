/** The register of channels: making, changing, listing and removing them. Addresses and secrets go in and never come out of here. */

import type pg from 'pg';
import { inTransaction } from '../../store/pool.ts';
import { loadSql } from '../../store/sql.ts';
import { InvalidRequestError } from '../../store/tokens.ts';
import type { Severity } from '../alerts/finding.ts';
import { checkUrl } from './address.ts';
import type { ChannelKind } from './request.ts';

export const CHANNEL_KINDS: readonly ChannelKind[] = ['slack', 'webhook', 'alertmanager'];
/** The channel that SLACK_WEBHOOK_URL stands for; it gets the messages of all tenants. */
export const ENVIRONMENT_CHANNEL = { tenantId: 0, channel: 'slack' } as const;

type Queryable = Pick<pg.ClientBase, 'query'>;

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const SECRET = /^[\x21-\x7e]{16,512}$/;

export interface ChannelSettings {
  /** 0: messages of all tenants. */
  tenantId: number;
  channel: string;
  kind: ChannelKind;
  url: string;
  /** webhook: the key of its signature; alertmanager: a bearer token. Left out: as it is, none for a new one. */
  secret?: string | null;
  minSeverity?: Severity;
  /** Lets it point to private and loopback addresses, and to plain http. */
  allowPrivate?: boolean;
}

export interface ChannelRecord {
  tenantId: number;
  channel: string;
  kind: ChannelKind;
  /** With its port, without path and query: those are the secret. */
  host: string;
  minSeverity: Severity;
  allowPrivate: boolean;
  enabled: boolean;
  fromEnvironment: boolean;
  createdAt: Date;
}

/**
 * Makes a channel, or changes the one of that name. Whether it is enabled stays as it is.
 * @param pool of runledger_operator or runledger_owner
 * @throws InvalidRequestError, which never repeats the URL or the secret
 */
export async function setChannel(pool: pg.Pool, settings: ChannelSettings): Promise<void> {
  await inTransaction(pool, (client) => putChannel(client, settings));
}

/** The same as part of a transaction. */
export function putChannel(client: Queryable, settings: ChannelSettings): Promise<'added' | 'changed'> {
  return writeChannel(client, settings, false);
}

/**
 * Makes, changes or removes the channel of SLACK_WEBHOOK_URL.
 * @returns kept: a channel of that name was made by hand and stays as it is
 * @throws InvalidRequestError for a URL that no channel may have
 */
export async function setEnvironmentChannel(
  pool: pg.Pool,
  url: string | null,
): Promise<'set' | 'kept' | 'removed' | 'none'> {
  const { tenantId, channel } = ENVIRONMENT_CHANNEL;
  if (url === null) {
    const { rowCount } = await pool.query(loadSql('queries/delivery/remove_channel'), [tenantId, channel, true]);
    return rowCount === 1 ? 'removed' : 'none';
  }
  try {
    await inTransaction(pool, (client) => writeChannel(client, { tenantId, channel, kind: 'slack', url }, true));
    return 'set';
  } catch (error) {
    if (error instanceof TakenNameError) return 'kept';
    throw error;
  }
}

/** All channels, or one tenant's, by name. @param pool of runledger_operator or runledger_owner */
export async function listChannels(pool: Queryable, tenantId: number | null = null): Promise<ChannelRecord[]> {
  const { rows } = await pool.query(loadSql('queries/delivery/list_channels'), [tenantId]);
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    channel: row.channel,
    kind: row.kind,
    host: row.host,
    minSeverity: row.min_severity,
    allowPrivate: row.allow_private,
    enabled: row.enabled,
    fromEnvironment: row.from_environment,
    createdAt: row.created_at,
  }));
}

/**
 * What waits for it is given up.
 * @returns false when there is no such channel
 * @throws InvalidRequestError for the channel of SLACK_WEBHOOK_URL
 */
export async function removeChannel(pool: Queryable, tenantId: number, channel: string): Promise<boolean> {
  const { rowCount } = await pool.query(loadSql('queries/delivery/remove_channel'), [tenantId, channel, false]);
  if (rowCount === 1) return true;
  const found = (await listChannels(pool, tenantId)).find((one) => one.channel === channel);
  if (found === undefined) return false;
  throw new InvalidRequestError(
    `Channel ${channel} comes from SLACK_WEBHOOK_URL and would be back at the next start: unset the variable, or disable the channel`,
  );
}

/** A disabled channel gets nothing; what waits for it is given up. @returns false when there is no such channel */
export async function enableChannel(
  pool: Queryable,
  tenantId: number,
  channel: string,
  enabled: boolean,
): Promise<boolean> {
  const { rowCount } = await pool.query(loadSql('queries/delivery/enable_channel'), [tenantId, channel, enabled]);
  return rowCount === 1;
}

class TakenNameError extends InvalidRequestError {}

async function writeChannel(
  client: Queryable,
  settings: ChannelSettings,
  fromEnvironment: boolean,
): Promise<'added' | 'changed'> {
  checkSettings(settings);
  const { tenantId, channel, kind, url, secret, minSeverity = 'warn', allowPrivate = false } = settings;
  const values = [tenantId, channel, kind, url, minSeverity, allowPrivate, fromEnvironment];
  const isNew = (await client.query(loadSql('queries/delivery/add_channel'), values)).rowCount === 1;
  const isSet = isNew || (await client.query(loadSql('queries/delivery/change_channel'), values)).rowCount === 1;
  if (!isSet) throw new TakenNameError(await describeTaken(client, settings));
  if (secret !== undefined)
    await client.query(loadSql('queries/delivery/set_channel_secret'), [tenantId, channel, secret]);
  return isNew ? 'added' : 'changed';
}

async function describeTaken(client: Queryable, { tenantId, channel }: ChannelSettings): Promise<string> {
  const found = (await listChannels(client, tenantId)).find((one) => one.channel === channel);
  return found?.fromEnvironment === true
    ? `Channel ${channel} comes from SLACK_WEBHOOK_URL: change it there, or choose another name`
    : `There is a channel ${channel} of kind ${found?.kind ?? 'unknown'}: remove it first, or choose another name`;
}

function checkSettings({ tenantId, channel, kind, url, secret, minSeverity, allowPrivate }: ChannelSettings): void {
  if (!Number.isInteger(tenantId) || tenantId < 0)
    throw new InvalidRequestError('tenant must be a tenant or 0 for all');
  if (!NAME.test(channel))
    throw new InvalidRequestError(
      'The name of a channel has up to 64 letters a-z, digits, dashes and underscores and begins with a letter',
    );
  if (!CHANNEL_KINDS.includes(kind)) throw new InvalidRequestError(`kind must be one of ${CHANNEL_KINDS.join(', ')}`);
  if (minSeverity !== undefined && minSeverity !== 'warn' && minSeverity !== 'page')
    throw new InvalidRequestError('min_severity must be warn or page');
  const checked = checkUrl(url, allowPrivate === true);
  if ('problem' in checked) throw new InvalidRequestError(`The URL ${checked.problem}`);
  if (secret === undefined || secret === null) return;
  if (kind === 'slack') throw new InvalidRequestError('A channel of kind slack takes no secret: its URL is the secret');
  if (!SECRET.test(secret))
    throw new InvalidRequestError('The secret must have 16 to 512 visible ASCII characters and no blanks');
}
