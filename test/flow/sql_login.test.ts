/** `runledger tenant sql-login`: the login it makes works with a real client, reads one tenant whatever it tries, and is gone when dropped. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dropBiLogin, MayNotMakeRoles, makeBiLogin } from '../../receiver/store/bi_logins.ts';
import { withClient } from '../helpers/database_admin.ts';
import { asLogin } from '../helpers/seed_tenants.ts';
import { seedScene } from './api_scene.ts';
import { type ApiUnderTest, startApi, TENANT_A, TENANT_B } from './api_server.ts';

let api: ApiUnderTest;
// Roles are the whole cluster's, so that another run of this test needs other names.
const suffix = randomBytes(4).toString('hex');
const login = `runledger_bi_t_${suffix}`;

beforeAll(async () => {
  api = await startApi();
  await seedScene(api.owner);
});
afterAll(async () => {
  await withClient(api.database.superuserUrl, async (client) => {
    const { rows } = await client.query('select rolname from pg_roles where rolname like $1', [`%${suffix}`]);
    for (const { rolname } of rows) await client.query(`drop owned by ${rolname}; drop role ${rolname}`);
  });
  await api.stop();
});

const request = () => ({ databaseUrl: api.database.databaseUrl, tenantId: TENANT_A, login, by: 'ana' });

async function ask(url: string, statements: string[]): Promise<(string | null)[]> {
  return withClient(url, async (client) => {
    const answers: (string | null)[] = [];
    for (const statement of statements) {
      try {
        const { rows } = await client.query<{ a: unknown }>(statement);
        answers.push(rows.length === 0 ? null : String(rows[0]?.a));
      } catch (error) {
        answers.push(error instanceof pg.DatabaseError ? `error ${error.code}` : 'error');
      }
    }
    return answers;
  });
}

const TENANTS = 'select string_agg(distinct tenant_id::text, chr(44)) as a from ';

it('reads its tenant alone, whatever it sets, and changes nothing', async () => {
  const made = await makeBiLogin(request());
  expect(made.login).toBe(login);
  const reads = [
    'enrichment_runs',
    'run_event_logs',
    'run_stage_stats',
    'run_vendor_usage',
    'run_metrics',
    'qa_samples',
  ];
  expect(
    await ask(
      made.url,
      reads.map((table) => TENANTS + table),
    ),
  ).toEqual(reads.map(() => String(TENANT_A)));
  const tries = await ask(made.url, [
    `set app.tenant_id = '${TENANT_B}'`,
    `${TENANTS}enrichment_runs`,
    'set role runledger_reader',
    'set role runledger_owner',
    `set session authorization runledger_owner`,
    'set row_security = off',
    `${TENANTS}enrichment_runs`,
    'set row_security = on',
    'reset role',
    `${TENANTS}enrichment_runs`,
    'set role runledger_bi',
    `${TENANTS}enrichment_runs`,
    'reset role',
    'set default_transaction_read_only = off',
    `update enrichment_runs set note = 'x'`,
    'select count(*) as a from runledger.tokens',
    `insert into runledger.bi_logins values (current_user, ${TENANT_B})`,
  ]);
  expect(tries).toEqual([
    null,
    String(TENANT_A),
    'error 42501',
    'error 42501',
    'error 42501',
    null,
    'error 42501',
    null,
    null,
    String(TENANT_A),
    null,
    'null',
    null,
    null,
    'error 42501',
    'error 42501',
    'error 42501',
  ]);
});

it('made again has another password; the record says who, and never the password', async () => {
  const first = await makeBiLogin(request());
  const second = await makeBiLogin(request());
  expect(second.password).not.toBe(first.password);
  expect(await ask(second.url, [`${TENANTS}enrichment_runs`])).toEqual([String(TENANT_A)]);
  await expect(withClient(first.url, (client) => client.query('select 1'))).rejects.toMatchObject({ code: '28P01' });
  const { rows } = await api.owner.query(
    `select actor, act, details from runledger.acts where act like 'sql_login%' order by act_id desc limit 1`,
  );
  expect(rows).toEqual([{ actor: 'ana', act: 'sql_login_make', details: { login } }]);
  const { rows: secrets } = await api.owner.query(
    'select count(*)::int as n from runledger.acts a where a::text like $1',
    [`%${second.password}%`],
  );
  expect(secrets).toEqual([{ n: 0 }]);
});

it('opens no more connections than allowed', async () => {
  const made = await makeBiLogin({ ...request(), connections: 1 });
  await withClient(made.url, async () => {
    await expect(withClient(made.url, (client) => client.query('select 1'))).rejects.toMatchObject({ code: '53300' });
  });
});

it("is not another tenant's to take, nor any role that somebody else made", async () => {
  await makeBiLogin(request());
  await expect(makeBiLogin({ ...request(), tenantId: TENANT_B })).rejects.toThrow(`tenant ${TENANT_A}`);
  expect(await dropBiLogin({ ...request(), tenantId: TENANT_B })).toBe(false);
  const foreign = `runledger_bi_x_${suffix}`;
  await withClient(api.database.superuserUrl, (client) => client.query(`create role ${foreign} login`));
  await expect(makeBiLogin({ ...request(), login: foreign })).rejects.toThrow('no BI login');
  expect(await dropBiLogin({ ...request(), login: foreign })).toBe(false);
  for (const name of ['postgres', 'runledger_owner', 'runledger_bi_"; drop', 'runledger_bi_']) {
    await expect(makeBiLogin({ ...request(), login: name })).rejects.toThrow('begins with runledger_bi_');
  }
});

it('dropped it cannot sign in, and a session that is still open sees nothing more', async () => {
  const made = await makeBiLogin({ ...request(), connections: 5 });
  await withClient(made.url, async (open) => {
    expect((await open.query('select count(*) > 0 as a from enrichment_runs')).rows).toEqual([{ a: true }]);
    expect(await dropBiLogin(request())).toBe(true);
    const after = await open
      .query('select count(*)::int as a from enrichment_runs')
      .catch(() => ({ rows: [{ a: 0 }] }));
    expect(after.rows).toEqual([{ a: 0 }]);
  });
  await expect(withClient(made.url, (client) => client.query('select 1'))).rejects.toMatchObject({
    code: expect.stringMatching(/^28/),
  });
  expect(await dropBiLogin(request())).toBe(false);
});

it('where the login may not make roles nothing is changed and the SQL for an administrator is complete', async () => {
  const plain = api.database;
  const name = `rl_plain_${suffix}`;
  await withClient(plain.superuserUrl, (client) =>
    client.query(`create role ${name} login password 'x'; grant runledger_owner to ${name}`),
  );
  const databaseUrl = asLogin(plain.databaseUrl, name, 'x');
  const refused = await makeBiLogin({ ...request(), databaseUrl }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(MayNotMakeRoles);
  const { sql } = refused as MayNotMakeRoles;
  expect(sql).not.toMatch(/:(login|tenant|connections)/);
  const { rows } = await api.owner.query('select count(*)::int as n from runledger.bi_logins where login_name = $1', [
    login,
  ]);
  expect(rows).toEqual([{ n: 0 }]);
  await withClient(plain.superuserUrl, (client) => client.query(sql.replace('CHOOSE ONE', 'chosen')));
  const url = asLogin(plain.databaseUrl, login, 'chosen');
  expect(await ask(url, [`${TENANTS}enrichment_runs`])).toEqual([String(TENANT_A)]);
});
