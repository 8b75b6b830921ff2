/** Tokens and tenants over HTTP: what is made works at once, what is taken back stops, and secrets are shown once. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiUnderTest, startApi } from './api_server.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

function send(method: string, path: string, body?: unknown): Promise<Response> {
  const json =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  return api.get(path, api.tokens.admin, { method, ...json });
}

it('a made token works at once, is never shown again, and dies within 5 s of its revocation', async () => {
  const made = await send('POST', '/tokens', { kind: 'tenant', tenant: 41, name: 'analyst', scopes: ['read'] });
  expect(made.status).toBe(201);
  const { token, token_id, tenant_id } = (await made.json()) as { token: string; token_id: number; tenant_id: number };
  expect(tenant_id).toBe(41);
  expect((await api.get('/runs', token)).status).toBe(200);
  const list = await (await send('GET', '/tokens')).text();
  expect(list).toContain('"analyst"');
  expect(list).not.toContain(token);
  expect(list).not.toMatch(/hash/);
  expect((await send('DELETE', `/tokens/${token_id}`)).status).toBe(204);
  await expect.poll(async () => (await api.get('/runs', token)).status, { timeout: 6000, interval: 200 }).toBe(401);
  expect((await send('DELETE', '/tokens/999999')).status).toBe(404);
});

it.each([
  [{ kind: 'tenant' }, 'tenant'],
  [{ kind: 'admin', tenant: 7 }, 'tenant'],
  [{ kind: 'root' }, 'kind'],
  [{ kind: 'tenant', tenant: 7, scopes: ['manage'] }, 'scopes'],
  [{ kind: 'ingest', scopes: ['read'] }, 'scopes'],
  [{ kind: 'tenant', tenant: 7, scopes: [] }, 'scopes'],
  [{ kind: 'admin', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
  [{ kind: 'admin', expires_at: 'soon' }, 'expires_at'],
  [{ kind: 'admin', name: '' }, 'name'],
  [{ kind: 'admin', extra: 1 }, 'extra'],
  [{ kind: 'tenant', tenant: 2 ** 30 }, 'tenant'],
  ['not an object', 'request'],
])('POST /tokens with %j is a 400 about %s', async (body, about) => {
  const answer = await send('POST', '/tokens', body);
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as { detail: string }).detail.toLowerCase()).toContain(about);
});

it('a mistyped tenant name makes no tenant', async () => {
  expect((await send('POST', '/tokens', { kind: 'tenant', tenant: 'acmee' })).status).toBe(404);
  expect(await (await send('GET', '/tenants')).text()).not.toContain('acmee');
});

it('a tenant is added once, disabled and brought back; its tokens follow', async () => {
  const first = await send('POST', '/tenants', { tenant: 'acme' });
  expect(first.status).toBe(201);
  const { tenant_id } = (await first.json()) as { tenant_id: number };
  expect(tenant_id).toBeGreaterThanOrEqual(2 ** 30);
  expect((await send('POST', '/tenants', { tenant: 'acme' })).status).toBe(200);
  const { token } = (await (await send('POST', '/tokens', { kind: 'tenant', tenant: 'acme' })).json()) as {
    token: string;
  };
  expect((await api.get('/runs', token)).status).toBe(200);
  expect((await send('DELETE', '/tenants/acme')).status).toBe(204);
  await expect.poll(async () => (await api.get('/runs', token)).status, { timeout: 6000, interval: 200 }).toBe(401);
  expect(await (await send('POST', '/tenants', { tenant: 'acme' })).json()).toMatchObject({
    tenant_id,
    status: 'active',
  });
  expect((await send('DELETE', '/tenants/nobody')).status).toBe(404);
  expect((await send('DELETE', '/tenants/0')).status).toBe(400);
});

it('a token is rotated with its rights; the old one holds for the grace, or not at all', async () => {
  const make = { kind: 'tenant', tenant: 43, name: 'nightly', scopes: ['read'], expires_at: '2100-01-01T00:00:00Z' };
  const first = (await (await send('POST', '/tokens', make)).json()) as { token: string; token_id: number };
  const graced = await send('POST', `/tokens/${first.token_id}/rotate`, { grace_minutes: 60 });
  expect(graced.status).toBe(201);
  const second = (await graced.json()) as { token: string; token_id: number; expires_at: string };
  expect(second).toMatchObject({ kind: 'tenant', tenant_id: 43, name: 'nightly', scopes: ['read'] });
  expect(Math.abs(Date.parse(second.expires_at) - Date.parse(make.expires_at))).toBeLessThan(60_000);
  expect((await api.get('/runs', first.token)).status).toBe(200);
  expect((await api.get('/runs', second.token)).status).toBe(200);
  const third = (await (await send('POST', `/tokens/${second.token_id}/rotate`, {})).json()) as { token: string };
  expect((await api.get('/runs', third.token)).status).toBe(200);
  await expect
    .poll(async () => (await api.get('/runs', second.token)).status, { timeout: 6000, interval: 200 })
    .toBe(401);
  expect((await send('POST', `/tokens/${second.token_id}/rotate`, {})).status).toBe(409);
  expect((await send('POST', '/tokens/999999/rotate', {})).status).toBe(404);
  expect((await send('POST', `/tokens/${first.token_id}/rotate`, { grace_minutes: -1 })).status).toBe(400);
});

it('a tenant is renamed and disabled with PATCH; a name that is taken is refused', async () => {
  expect((await send('POST', '/tenants', { tenant: 'umbra' })).status).toBe(201);
  expect((await send('POST', '/tenants', { tenant: 'taken' })).status).toBe(201);
  expect(await (await send('PATCH', '/tenants/umbra', { name: 'penumbra' })).json()).toMatchObject({
    name: 'penumbra',
  });
  expect((await send('PATCH', '/tenants/penumbra', { name: 'taken' })).status).toBe(400);
  expect((await send('PATCH', '/tenants/penumbra', { name: 'Not A Name' })).status).toBe(400);
  expect((await send('PATCH', '/tenants/penumbra', {})).status).toBe(400);
  expect((await send('PATCH', '/tenants/umbra', { name: 'x' })).status).toBe(404);
  expect(await (await send('PATCH', '/tenants/penumbra', { status: 'disabled' })).json()).toMatchObject({
    status: 'disabled',
  });
  expect(await (await send('GET', '/tenants/penumbra')).json()).toMatchObject({ name: 'penumbra', status: 'disabled' });
});

it('every change of tokens and tenants is on record, without a secret', async () => {
  const { token, token_id } = (await (await send('POST', '/tokens', { kind: 'admin', name: 'spare' })).json()) as {
    token: string;
    token_id: number;
  };
  await send('DELETE', `/tokens/${token_id}`);
  const about = async (object: string) =>
    await (await send('GET', `/acts?object=${encodeURIComponent(object)}`)).text();
  const acts = await about(`token ${token_id}`);
  expect(JSON.parse(acts)).toMatchObject({
    acts: [
      { act: 'token_revoke', actor: 'admin' },
      { act: 'token_create', details: { kind: 'admin', name: 'spare' } },
    ],
  });
  expect(acts).not.toContain(token);
  const all = await (await send('GET', '/acts?limit=200')).text();
  for (const act of ['tenant_add', 'tenant_rename', 'tenant_disable', 'tenant_enable', 'token_rotate'])
    expect(all).toContain(act);
});

it('a compressed or oversized body is refused before it is read', async () => {
  const init = { method: 'POST', body: 'x'.repeat(20_000), headers: { 'Content-Type': 'application/json' } };
  expect((await api.get('/tokens', api.tokens.admin, init)).status).toBe(413);
  const zipped = { ...init, body: 'xx', headers: { ...init.headers, 'Content-Encoding': 'gzip' } };
  expect((await api.get('/tokens', api.tokens.admin, zipped)).status).toBe(415);
  expect((await api.get('/tokens', api.tokens.a, init)).status).toBe(403);
});

it('no secret is in the log of all this', () => {
  const text = api.logged.join('\n');
  for (const token of Object.values(api.tokens)) expect(text).not.toContain(token);
});
