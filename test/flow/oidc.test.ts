/** Sign-in at an identity provider as people use it: who may see what, under which name they act, and how it ends. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { disableTenant, enableTenant, registerTenants } from '../../receiver/store/tenants.ts';
import { revokeToken } from '../../receiver/store/tokens.ts';
import { type OidcScene, openOidcScene } from '../helpers/oidc_scene.ts';
import { seedRun } from './api_seed.ts';
import { bearer, TENANT_A, TENANT_B } from './api_server.ts';

const RUN_A = 101;
const RUN_B = 102;
let scene: OidcScene;

interface SignInLine {
  token_id: number;
  name: string;
}

beforeAll(async () => {
  scene = await openOidcScene();
  const startedAt = new Date();
  await seedRun(scene.api.owner, { tenantId: TENANT_A, runId: RUN_A, startedAt });
  await seedRun(scene.api.owner, { tenantId: TENANT_B, runId: RUN_B, startedAt });
  await scene.api.owner.query(
    "insert into qa_samples (run_id, tenant_id, company_id, bucket) values ($1, $2, 5, 'High')",
    [RUN_A, TENANT_A],
  );
  await registerTenants(scene.api.operators, ['harbour']);
});
beforeEach(() => {
  scene.provider.person = { name: 'Ada Lovelace', groups: ['reviewers'] };
  scene.provider.userinfo = {};
  scene.provider.malice = {};
});
afterAll(() => scene.close());

describe('what somebody may see', () => {
  it('is their tenant: another one is not there', async () => {
    const browser = scene.browser();
    expect(await browser.signIn('?return_to=/ui/runs/7/101%3Fview%3Devents')).toBe('/ui/runs/7/101?view=events');
    expect(await browser.session()).toMatchObject({
      signed_in: true,
      kind: 'tenant',
      tenant_id: TENANT_A,
      can_review: true,
      person: 'Ada Lovelace',
    });
    expect((await browser.ask(`/runs/${RUN_A}`)).status).toBe(200);
    expect((await browser.ask(`/runs/${RUN_B}`)).status).toBe(404);
    expect((await browser.ask('/runs?tenant=8')).status).toBe(404);
    expect((await browser.ask('/tokens')).status).toBe(403);
  });

  it('is everything for admins, and less to do for who may only read', async () => {
    const [admin, reader] = [scene.browser(), scene.browser()];
    scene.provider.person = { name: 'Grace', groups: ['others', 'ledger-admins', 'sales'] };
    await admin.signIn();
    expect(await admin.session()).toMatchObject({ kind: 'admin', tenant_id: null, person: 'Grace' });
    expect((await admin.ask(`/runs/${RUN_B}`)).status).toBe(200);
    expect((await admin.ask('/tokens')).status).toBe(200);
    scene.provider.person = { name: 'Joan', groups: ['sales'] };
    await reader.signIn();
    expect(await reader.session()).toMatchObject({ tenant_id: TENANT_A, can_review: false });
    expect((await reader.change('PATCH', `/qa/${RUN_A}/5`, { result: 'pass', reviewer: 'x' })).status).toBe(403);
  });

  it('may be named by the group itself, a tenant by its name too', async () => {
    const browser = scene.browser();
    scene.provider.person = { name: 'Kim', groups: ['runledger-tenant-harbour'] };
    await browser.signIn();
    expect(await browser.session()).toMatchObject({ kind: 'tenant', can_review: false });
    scene.provider.person = { name: 'Kim', groups: ['runledger-tenant-'] };
    expect(await scene.browser().signIn()).toContain('trouble=no_access');
  });

  it('is asked for where there are several tenants, and none but those', async () => {
    scene.provider.person = { name: 'Lin', groups: ['sales', 'runledger-tenant-8', 'runledger-tenant-999'] };
    const browser = scene.browser();
    const asked = new URL(await browser.signIn('?return_to=/ui/qa'), scene.api.url);
    expect(asked.pathname + asked.search).toBe('/ui/sign-in?trouble=choose&to=%2Fui%2Fqa&tenants=7+8');
    expect(await browser.session()).toMatchObject({ signed_in: false });
    expect(await browser.signIn('?tenant=8&return_to=/ui/qa')).toBe('/ui/qa');
    expect(await browser.session()).toMatchObject({ tenant_id: TENANT_B });
    expect(await scene.browser().signIn('?tenant=harbour')).toContain('trouble=choose');
  });

  it('is nothing for whom nobody mapped, whom the provider says nothing of, and whose tenant is disabled', async () => {
    const troubleOf = async (person: object) => {
      scene.provider.person = { ...person };
      const browser = scene.browser();
      const end = new URL(await browser.signIn(), scene.api.url);
      expect(await browser.session()).toMatchObject({ signed_in: false });
      expect((await browser.ask('/runs')).status).toBe(401);
      return end.searchParams.get('trouble');
    };
    expect(await troubleOf({ name: 'Mo', groups: ['elsewhere', 'Ledger-Admins', 7, null] })).toBe('no_access');
    expect(await troubleOf({ name: 'Mo', groups: [] })).toBe('no_access');
    expect(await troubleOf({ name: 'Mo' })).toBe('no_claim');
    expect(await troubleOf({ name: 'Mo', groups: ['runledger-tenant-999'] })).toBe('no_tenant');
    await disableTenant(scene.api.operators, TENANT_A);
    expect(await troubleOf({ name: 'Mo', groups: ['sales'] })).toBe('no_tenant');
    await enableTenant(scene.api.operators, TENANT_A);
  });

  it('is what the provider says at the next sign-in: who was taken out of a group is refused', async () => {
    const browser = scene.browser();
    await browser.signIn();
    scene.provider.person = { name: 'Ada Lovelace', groups: [] };
    expect(await browser.signIn()).toContain('trouble=no_access');
  });

  it('may be told by the userinfo endpoint alone', async () => {
    scene.provider.person = {};
    scene.provider.userinfo = { preferred_username: 'ada', groups: ['reviewers'] };
    const browser = scene.browser();
    await browser.signIn();
    expect(await browser.session()).toMatchObject({ tenant_id: TENANT_A, person: 'ada' });
    scene.provider.userinfo = { sub: 'subject-2', groups: ['ledger-admins'] };
    expect(await scene.browser().signIn()).toContain('trouble=not_believed');
  });
});

describe('a person', () => {
  it('acts under the name that the provider gave, whatever name is sent, and in acts it stands beside the sign-in', async () => {
    const browser = scene.browser();
    await browser.signIn();
    const judged = await browser.change('PATCH', `/qa/${RUN_A}/5`, { result: 'pass', reviewer: 'Somebody Else' });
    expect(await judged.json()).toMatchObject({ reviewer: 'Ada Lovelace' });
    const { rows } = await scene.api.owner.query(
      'select act, actor, details from runledger.acts order by act_id desc limit 2',
    );
    expect(rows).toMatchObject([
      {
        act: 'qa_review',
        actor: 'Ada Lovelace',
        details: { token: expect.stringMatching(/^Ada Lovelace \(sign-in [0-9a-f]{12}\)$/) },
      },
      { act: 'sign_in', actor: 'Ada Lovelace' },
    ]);
  });

  it('whose name is an address is stored by its hash, and one without a name by a number of the installation', async () => {
    scene.provider.person = { preferred_username: 'ada@example.com', groups: ['reviewers'] };
    const browser = scene.browser();
    await browser.signIn();
    expect((await browser.session()).person).toMatch(/^[0-9a-f]{16}$/);
    scene.provider.person = { name: '\u202e\u0000 ', groups: ['reviewers'] };
    await browser.signIn();
    expect((await browser.session()).person).toMatch(/^person [0-9a-f]{12}$/);
    const { rows } = await scene.api.owner.query(
      "select 1 from runledger.tokens where name ~ 'example' or person ~ 'example'",
    );
    expect(rows).toEqual([]);
  });
});

describe('a session', () => {
  it('is on the list of tokens under its name, can be revoked there and not renewed as a token, and is forgotten a month after its end', async () => {
    const { api } = scene;
    const browser = scene.browser();
    await browser.signIn();
    const list = async () =>
      ((await (await api.get('/tokens', api.tokens.admin)).json()) as { tokens: SignInLine[] }).tokens;
    const own = (await list()).at(-1);
    expect(own).toMatchObject({
      kind: 'tenant',
      tenant_id: TENANT_A,
      name: expect.stringContaining('Ada Lovelace (sign-in'),
    });
    const ask = (method: string, path: string) => api.get(path, api.tokens.admin, { method });
    expect((await ask('POST', `/tokens/${own?.token_id}/rotate`)).status).toBe(409);
    expect((await ask('DELETE', `/tokens/${own?.token_id}`)).status).toBe(204);
    await expect.poll(async () => (await browser.ask('/runs')).status, { timeout: 30_000 }).toBe(401);
    const before = "update runledger.tokens set expires_at = now() - $2 * interval '1 day' where token_id = $1";
    for (const [days, stays] of [
      [29, true],
      [31, false],
    ]) {
      await api.owner.query(before, [own?.token_id, days]);
      await scene.browser().signIn();
      expect((await list()).some((line) => line.token_id === own?.token_id)).toBe(stays);
    }
    expect((await api.get('/runs', api.tokens.a)).status).toBe(200);
  });

  it('is new with each sign-in, and the one before it ends', async () => {
    const browser = scene.browser();
    // Planted by somebody who hopes that it will be signed in.
    browser.plant('A'.repeat(43));
    await browser.signIn();
    const first = browser.sessionCookie();
    expect(first).not.toBe('A'.repeat(43));
    const back = await browser.toProvider();
    // Browsers do not send it when they come from another site.
    browser.cookies.delete(`runledger_${new URL(scene.api.url).port}`);
    await browser.ask(back);
    expect(browser.sessionCookie()).toMatch(/^[\w-]{43}$/);
    expect(browser.sessionCookie()).not.toBe(first);
    const other = scene.browser().plant(first);
    await expect.poll(async () => (await other.ask('/runs')).status, { timeout: 30_000 }).toBe(401);
  });

  it('has a cookie that no script reads, no other site sends, and that is no token', async () => {
    const browser = scene.browser();
    const end = await browser.ask(await browser.toProvider());
    const [set = ''] = end.headers.getSetCookie().filter((line) => /^runledger_\d+=/.test(line));
    expect(set).toMatch(/=[\w-]{43}; Max-Age=43200; Path=\/; Expires=.*; HttpOnly; SameSite=Strict$/);
    for (const token of [browser.sessionCookie(), `rls_${browser.sessionCookie()}`]) {
      expect((await fetch(`${scene.api.url}/runs`, { headers: bearer(token) })).status).toBe(401);
    }
    expect((await browser.ask('/runs', { headers: { 'Sec-Fetch-Site': 'cross-site' } })).status).toBe(401);
    expect((await browser.ask(`/qa/${RUN_A}/5`, { method: 'PATCH', body: '{}' })).status).toBe(403);
  });

  it('ends everywhere when it is revoked, with its expiry, and when its tenant is disabled', async () => {
    const idOf = async () => {
      const { rows } = await scene.api.owner.query('select max(token_id)::int as id from runledger.tokens');
      return rows[0].id as number;
    };
    const { owner, operators } = scene.api;
    const ends = [
      async () => void (await revokeToken(operators, await idOf())),
      async () =>
        void (await owner.query('update runledger.tokens set expires_at = now() where token_id = $1', [await idOf()])),
      () => disableTenant(operators, TENANT_A),
    ];
    for (const end of ends) {
      const browser = scene.browser();
      await browser.signIn();
      expect((await browser.ask('/runs')).status).toBe(200);
      await end();
      await expect.poll(async () => (await browser.ask('/runs')).status, { timeout: 30_000 }).toBe(401);
      expect(await browser.session()).toMatchObject({ signed_in: false });
    }
    await enableTenant(operators, TENANT_A);
  });

  it('ends here and leads on to the provider when somebody signs out', async () => {
    const browser = scene.browser();
    await browser.signIn();
    const cookie = browser.sessionCookie();
    expect((await browser.ask('/ui/session', { method: 'DELETE' })).status).toBe(403);
    const { continue_at } = (await (await browser.change('DELETE', '/ui/session')).json()) as { continue_at: string };
    const further = new URL(continue_at);
    expect(further.origin + further.pathname).toBe(`${scene.provider.issuer}/logout`);
    expect(further.searchParams.get('post_logout_redirect_uri')).toBe(`${scene.api.url}/ui/sign-in`);
    const other = scene.browser().plant(cookie);
    await expect.poll(async () => (await other.ask('/runs')).status, { timeout: 30_000 }).toBe(401);
    const tokenUser = scene.browser();
    await tokenUser.change('POST', '/ui/session', { token: scene.api.tokens.admin });
    expect((await tokenUser.change('DELETE', '/ui/session')).status).toBe(204);
  });

  it('leaves sign-in by token as it was, and is replaced by one', async () => {
    const browser = scene.browser();
    await browser.signIn();
    expect((await browser.change('POST', '/ui/session', { token: scene.api.tokens.admin })).status).toBe(200);
    expect(await browser.session()).toMatchObject({ kind: 'admin', person: null });
    await browser.signIn();
    expect(await browser.session()).toMatchObject({ kind: 'tenant', person: 'Ada Lovelace' });
  });
});
