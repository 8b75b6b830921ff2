/** What becomes of BI logins when their tenant is disabled, enabled and erased, made by us and made by an administrator alike. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dropErasedLogins, MayNotMakeRoles, makeBiLogin } from '../../receiver/store/bi_logins.ts';
import { eraseTenant } from '../../receiver/store/erase.ts';
import { disableTenant, enableTenant } from '../../receiver/store/tenants.ts';
import { PUBLIC_VIEWS } from '../helpers/catalogue_rights.ts';
import { withClient } from '../helpers/database_admin.ts';
import { asLogin } from '../helpers/seed_tenants.ts';
import { seedScene } from './api_scene.ts';
import { type ApiUnderTest, bearer, startApi, TENANT_A, TENANT_B } from './api_server.ts';

const TABLES = [
  'enrichment_runs',
  'run_event_logs',
  'run_stage_stats',
  'run_vendor_usage',
  'run_metrics',
  'qa_samples',
  ...PUBLIC_VIEWS.map((view) => view.replace(/^public\./, '')),
];
const suffix = randomBytes(4).toString('hex');
const ofA = `runledger_bi_sa_${suffix}`;
const secondOfA = `runledger_bi_sa2_${suffix}`;
const ofB = `runledger_bi_sb_${suffix}`;
const plainLogin = `rl_plain_s_${suffix}`;

let api: ApiUnderTest;
let plainUrl: string;

beforeAll(async () => {
  api = await startApi();
  await seedScene(api.owner);
  await withClient(api.database.superuserUrl, (client) =>
    client.query(`create role ${plainLogin} login password 'x'; grant runledger_owner to ${plainLogin}`),
  );
  plainUrl = asLogin(api.database.databaseUrl, plainLogin, 'x');
});
afterAll(async () => {
  await withClient(api.database.superuserUrl, async (client) => {
    for (const name of await roles()) await client.query(`drop owned by ${name}; drop role ${name}`);
  });
  await api.stop();
});

const make = (login: string, tenantId: number) =>
  makeBiLogin({ databaseUrl: api.database.databaseUrl, tenantId, login, by: 'ana' });

async function roles(like = `%${suffix}`): Promise<string[]> {
  return withClient(api.database.superuserUrl, async (client) => {
    const { rows } = await client.query<{ rolname: string }>(
      'select rolname from pg_roles where rolname like $1 order by 1',
      [like],
    );
    return rows.map(({ rolname }) => rolname);
  });
}

/** The SQL for an administrator that making a login is refused with, run by one. */
async function makeByHand(login: string, tenantId: number, password: string): Promise<string> {
  const refused = await makeBiLogin({ databaseUrl: plainUrl, tenantId, login, by: 'ana' }).catch((error) => error);
  expect(refused).toBeInstanceOf(MayNotMakeRoles);
  await withClient(api.database.superuserUrl, (client) => client.query(refused.sql.replace('CHOOSE ONE', password)));
  return asLogin(api.database.databaseUrl, login, password);
}

/** Of which of all that a BI login may read it sees a row. */
async function seen(client: pg.Client): Promise<string[]> {
  const found: string[] = [];
  for (const table of TABLES) {
    const { rows } = await client.query(`select 1 from ${table} limit 1`);
    if (rows.length > 0) found.push(table);
  }
  return found;
}

it('a disabled tenant is not read any more, by an open session neither, until it is enabled', async () => {
  const { url } = await make(ofA, TENANT_A);
  const other = await make(ofB, TENANT_B);
  await withClient(url, async (open) => {
    const before = await seen(open);
    expect(before).toEqual(expect.arrayContaining(['enrichment_runs', 'run_stage_stats', 'runs', 'alert_history']));
    const ways: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
      ['store', () => disableTenant(api.operators, TENANT_A), () => enableTenant(api.operators, TENANT_A)],
      ['API', () => ask('DELETE', `/tenants/${TENANT_A}`), () => ask('POST', '/tenants', { tenant: TENANT_A })],
      [
        'change by API',
        () => ask('PATCH', `/tenants/${TENANT_A}`, { status: 'disabled' }),
        () => ask('PATCH', `/tenants/${TENANT_A}`, { status: 'active' }),
      ],
    ];
    for (const [way, disable, enable] of ways) {
      await disable();
      expect(await seen(open), way).toEqual([]);
      expect(await withClient(url, seen), way).toEqual([]);
      expect(await withClient(other.url, seen)).toContain('enrichment_runs');
      await enable();
      expect(await seen(open), way).toEqual(before);
    }
  });
});

async function ask(method: string, path: string, body?: unknown): Promise<void> {
  const headers = { ...bearer(api.tokens.admin), 'Content-Type': 'application/json' };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  expect((await fetch(api.url + path, init)).ok).toBe(true);
}

it('a login that an administrator made has the same limits, and ends the same way', async () => {
  const url = await makeByHand(secondOfA, TENANT_A, 'chosen');
  await withClient(url, async (client) => {
    const settings = await client.query(
      `select current_setting('statement_timeout') as t, current_setting('default_transaction_read_only') as r`,
    );
    expect(settings.rows).toEqual([{ t: '1min', r: 'on' }]);
    expect(await seen(client)).toContain('enrichment_runs');
    await disableTenant(api.operators, TENANT_A);
    expect(await seen(client)).toEqual([]);
    await enableTenant(api.operators, TENANT_A);
    expect(await seen(client)).toContain('enrichment_runs');
  });
  // Again: another password, as ours does.
  await withClient(await makeByHand(secondOfA, TENANT_A, 'another'), async (client) =>
    expect(await seen(client)).toContain('enrichment_runs'),
  );
});

it('an erased tenant has no login left, and other tenants keep theirs', async () => {
  const { url } = await make(ofA, TENANT_A);
  await make(secondOfA, TENANT_A);
  const { url: urlOfB } = await make(ofB, TENANT_B);
  await disableTenant(api.operators, TENANT_A);
  const erased = await eraseTenant(api.owner, TENANT_A, 'ana');
  expect(erased.sql_logins).toEqual([ofA, secondOfA].sort());
  expect(await withClient(url, seen)).toEqual([]);
  await dropErasedLogins(api.database.databaseUrl, erased.sql_logins);
  expect(await roles(`%sa%${suffix}`)).toEqual([]);
  await expect(withClient(url, seen)).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
  expect(await withClient(urlOfB, seen)).toContain('enrichment_runs');
  const { rows } = await api.owner.query('select a::text as line from runledger.acts a where tenant_id = $1', [
    TENANT_A,
  ]);
  expect(rows.map(({ line }) => line).join('\n')).not.toContain(suffix);
});

it('where roles may not be dropped the login reads nothing, and the SQL for an administrator is complete', async () => {
  const { url } = await make(ofB, TENANT_B);
  await disableTenant(api.operators, TENANT_B);
  const { sql_logins } = await eraseTenant(api.owner, TENANT_B, 'ana');
  await enableTenant(api.operators, TENANT_B);
  const refused = await dropErasedLogins(plainUrl, sql_logins).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(MayNotMakeRoles);
  // Its line in the register is gone, so that enabling the tenant does not bring it back.
  expect(await withClient(url, seen)).toEqual([]);
  await withClient(api.database.superuserUrl, (client) => client.query((refused as MayNotMakeRoles).sql));
  expect(await roles(`%sb%${suffix}`)).toEqual([]);
});

it('a login that is gone already does not keep the others from being dropped', async () => {
  await enableTenant(api.operators, TENANT_A);
  await make(ofA, TENANT_A);
  await make(secondOfA, TENANT_A);
  await withClient(api.database.superuserUrl, (client) =>
    client.query(`drop owned by ${ofA}; drop role ${ofA}`).catch((error: unknown) => {
      if (!(error instanceof pg.DatabaseError)) throw error;
    }),
  );
  await dropErasedLogins(api.database.databaseUrl, [ofA, secondOfA]);
  expect(await roles(`%sa%${suffix}`)).toEqual([]);
});
