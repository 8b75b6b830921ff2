/**
 * Erasure of one item, or of all that says who a tenant's items, runs and people are. Rows stay, and so does what they add to counters: audit
 * still finds no difference, and a span that comes again is still known by its key. Runs as runledger_owner, one transaction each.
 */

import { randomBytes, randomInt } from 'node:crypto';
import type pg from 'pg';
import { VALUE_STRING } from '../decode/shape.ts';
import { nameItem } from '../map/ids.ts';
import { createRedactor } from '../map/privacy.ts';
import { inTransaction } from './pool.ts';
import { loadSql } from './sql.ts';
import { InvalidRequestError } from './tokens.ts';

export interface Erased {
  events: number;
  qa_samples: number;
  /** Rows that waited for their run, which nobody had counted yet: taken away. */
  parked: number;
  runs: number;
}

export interface ErasedTenant extends Erased {
  /** Its BI logins, by name: they see nothing any more, and their roles are left to drop. */
  sql_logins: string[];
}

const MADE_IDS_FROM = 2 ** 52;
const RANDOM_MAX = 2 ** 48;
const TENANT_STEPS = [
  'erase_tenant_models',
  'erase_tenant_keys',
  'erase_tenant_bindings',
  'erase_tenant_alerts',
  'erase_tenant_deliveries',
  'erase_tenant_tokens',
  'erase_tenant_acts',
] as const;

/**
 * @param owner speaks as runledger_owner, without a time limit
 * @param item its number, or the text that a pipeline names it by
 * @throws InvalidRequestError for a text that can name no item
 */
export async function eraseItem(owner: pg.Pool, tenantId: number, item: string, by: string): Promise<Erased> {
  return inTransaction(owner, async (client) => {
    const companyId = await itemIdOf(client, tenantId, item);
    // A number that nothing leads back from; hashes of guessed texts would.
    const standsFor = MADE_IDS_FROM + randomInt(RANDOM_MAX - 1) * 16 + randomInt(16);
    const change = async (name: string, values: unknown[]) =>
      (await client.query(loadSql(`queries/store/${name}`), values)).rowCount ?? 0;
    const events = await change('erase_item_events', [tenantId, companyId, standsFor]);
    const samples = await change('erase_item_samples', [tenantId, companyId, standsFor]);
    await change('erase_item_acts', [tenantId, companyId, standsFor]);
    const parked = await change('erase_item_parked', [tenantId, companyId]);
    const erased = { events, qa_samples: samples, parked, runs: 0 };
    await recordErasure(client, tenantId, by, 'erase_item', { ...erased, erased_as: standsFor });
    return erased;
  });
}

/**
 * @param owner speaks as runledger_owner, without a time limit
 * @throws InvalidRequestError while the tenant is active: what its pipelines send meanwhile would not be erased
 */
export async function eraseTenant(owner: pg.Pool, tenantId: number, by: string): Promise<ErasedTenant> {
  return inTransaction(owner, async (client) => {
    const change = async (name: string, values: unknown[]) =>
      (await client.query(loadSql(`queries/store/${name}`), values)).rowCount ?? 0;
    if ((await change('erase_tenant_name', [tenantId])) === 0) {
      throw new InvalidRequestError(
        `Tenant ${tenantId} is active; disable it first (runledger tenant disable ${tenantId})`,
      );
    }
    // Kept nowhere: with it, items could be guessed.
    const key = randomBytes(32).toString('hex');
    const parked = await change('erase_tenant_parked', [tenantId]);
    const events = await change('erase_tenant_events', [tenantId, key]);
    const runs = await change('erase_tenant_runs', [tenantId]);
    const samples = await change('erase_tenant_samples', [tenantId, key]);
    for (const step of TENANT_STEPS) await change(step, [tenantId]);
    const logins = await client.query<{ login_name: string }>(loadSql('queries/store/erase_tenant_logins'), [tenantId]);
    const erased = { events, qa_samples: samples, parked, runs };
    await recordErasure(client, tenantId, by, 'erase_tenant', { ...erased, sql_logins: logins.rows.length });
    return { ...erased, sql_logins: logins.rows.map((row) => row.login_name).sort() };
  });
}

async function itemIdOf(client: pg.PoolClient, tenantId: number, item: string): Promise<number> {
  const { rows } = await client.query<{ privacy_key: string }>(loadSql('queries/store/read_privacy_key'));
  const { identity } = createRedactor(Buffer.from(rows[0]?.privacy_key ?? '', 'hex'));
  const named = nameItem({ type: VALUE_STRING, value: item }, tenantId, identity);
  if (named === null) throw new InvalidRequestError('This can be the name of no item');
  return named.id;
}

async function recordErasure(
  client: pg.PoolClient,
  tenantId: number,
  by: string,
  act: string,
  details: object,
): Promise<void> {
  const values = [tenantId, new Date(), by, act, `tenant ${tenantId}`, null, JSON.stringify(details)];
  await client.query(loadSql('queries/alerts/add_act'), values);
}
