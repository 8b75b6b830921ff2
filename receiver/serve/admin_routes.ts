/** The routes of /tokens and /tenants. A tenant is never deleted here, only disabled: its books stay. Each change leaves an act. */

import { disableTenant, enableTenant, listTenants, renameTenant } from '../store/tenants.ts';
import { listTokens, revokeToken } from '../store/tokens.ts';
import type { Queryable } from './access.ts';
import { recordAct } from './act.ts';
import { askStore, makeToken, registerTenant, renewToken, tenantRecord, tokenRecord } from './admin.ts';
import { idParams, rotateBody, tenantBody, tenantChangeBody, tenantParams, tokenBody } from './input.ts';
import { Problem } from './problem.ts';
import { readLine, readTenantId } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import { madeToken, type TenantLine, type TokenLine, tenantLine, tenantList, tokenList } from './shape_admin.ts';

export function adminRoutes(): Route[] {
  return [...tokenRoutes(), ...tenantRoutes()];
}

function tokenRoutes(): Route[] {
  return [
    route({
      method: 'get',
      path: '/tokens',
      access: 'admin',
      summary: 'All tokens ever made, without their text',
      answer: tokenList,
      handle: (_input, { scope }) =>
        scope.read(async (client) => ({ tokens: (await listTokens(client)).map(tokenRecord) })),
    }),
    route({
      method: 'post',
      path: '/tokens',
      access: 'admin',
      summary: 'Makes a token; its text is answered this once',
      body: tokenBody,
      status: 201,
      answer: madeToken,
      handle: ({ body }, asked) =>
        asked.scope.change(async (client) => {
          const made = await makeToken(client, body);
          await recordTokenAct(client, asked, 'token_create', made);
          return made;
        }),
    }),
    route({
      method: 'post',
      path: '/tokens/:id/rotate',
      access: 'admin',
      summary: 'Makes another token with the same rights and ends this one, at once or after a grace',
      params: idParams,
      body: rotateBody,
      status: 201,
      answer: madeToken,
      also: { 409: 'The token holds no more' },
      handle: ({ params: { id }, body }, asked) =>
        asked.scope.change(async (client) => {
          const made = await renewToken(client, id, body.grace_minutes);
          await recordTokenAct(client, asked, 'token_rotate', made, {
            replaces: id,
            grace_minutes: body.grace_minutes,
          });
          return made;
        }),
    }),
    route({
      method: 'delete',
      path: '/tokens/:id',
      access: 'admin',
      summary: 'Takes a token back; it stops within 5 s',
      params: idParams,
      answer: null,
      handle: ({ params: { id } }, asked) =>
        asked.scope.change(async (client) => {
          const token = (await listTokens(client)).find((one) => one.tokenId === id);
          if (token === undefined || !(await revokeToken(client, id)))
            throw new Problem(404, `There is no token ${id}`);
          await recordTokenAct(client, asked, 'token_revoke', tokenRecord(token));
          return undefined;
        }),
    }),
  ];
}

function tenantRoutes(): Route[] {
  return [
    route({
      method: 'get',
      path: '/tenants',
      access: 'admin',
      summary: 'All tenants',
      answer: tenantList,
      handle: (_input, { scope }) =>
        scope.read(async (client) => ({ tenants: (await listTenants(client)).map(tenantRecord) })),
    }),
    route({
      method: 'get',
      path: '/tenants/:id',
      access: 'read',
      summary: 'One tenant',
      params: tenantParams,
      answer: tenantLine,
      handle: ({ params }, { scope }) =>
        scope.read(async (client) => readTenant(client, await requireTenant(client, params.id))),
    }),
    route({
      method: 'post',
      path: '/tenants',
      access: 'admin',
      summary: 'Registers a tenant, or brings a disabled one back',
      body: tenantBody,
      answer: tenantLine,
      also: { 201: 'It is new' },
      handle: ({ body: { tenant } }, asked) =>
        asked.scope.change(async (client) => {
          const before = await readTenantId(client, tenant);
          const tenantId = await registerTenant(client, tenant);
          // A disabled tenant that is added again is one that comes back.
          await enableTenant(client, tenantId);
          asked.res.status(before === null ? 201 : 200);
          await recordTenantAct(client, asked, before === null ? 'tenant_add' : 'tenant_enable', tenantId);
          return readTenant(client, tenantId);
        }),
    }),
    route({
      method: 'patch',
      path: '/tenants/:id',
      access: 'admin',
      summary: 'Renames, disables or enables a tenant; its number and its data stay',
      params: tenantParams,
      body: tenantChangeBody,
      answer: tenantLine,
      handle: ({ params, body }, asked) =>
        asked.scope.change(async (client) => {
          const tenantId = await requireTenant(client, params.id);
          const before = await readTenant(client, tenantId);
          if (body.name !== undefined && body.name !== before.name) {
            const { name } = body;
            await askStore(() => renameTenant(client, tenantId, name));
            await recordTenantAct(client, asked, 'tenant_rename', tenantId, { from: before.name, to: name });
          }
          if (body.status !== undefined && body.status !== before.status) {
            const enables = body.status === 'active';
            await (enables ? enableTenant : disableTenant)(client, tenantId);
            await recordTenantAct(client, asked, enables ? 'tenant_enable' : 'tenant_disable', tenantId);
          }
          return readTenant(client, tenantId);
        }),
    }),
    route({
      method: 'delete',
      path: '/tenants/:id',
      access: 'admin',
      summary: 'Disables a tenant: its spans and tokens are refused within 5 s, its data stays',
      params: tenantParams,
      answer: null,
      handle: ({ params }, asked) =>
        asked.scope.change(async (client) => {
          const tenantId = await requireTenant(client, params.id);
          await disableTenant(client, tenantId);
          await recordTenantAct(client, asked, 'tenant_disable', tenantId);
          return undefined;
        }),
    }),
  ];
}

/** @throws Problem 404 */
export async function requireTenant(client: Queryable, ref: string): Promise<number> {
  const tenantId = await readTenantId(client, ref);
  if (tenantId === null) throw new Problem(404, `There is no tenant ${ref}`);
  return tenantId;
}

function readTenant(client: Queryable, tenantId: number): Promise<TenantLine> {
  return readLine<TenantLine>(client, 'queries/serve/tenant_line', [tenantId]);
}

type NamedToken = Pick<TokenLine, 'token_id' | 'kind' | 'tenant_id' | 'name' | 'scopes'>;

function recordTokenAct(
  client: Queryable,
  { caller, now }: Asked,
  act: string,
  { token_id, kind, tenant_id, name, scopes }: NamedToken,
  more: Record<string, unknown> = {},
): Promise<void> {
  const details = { kind, name, scopes, ...more };
  return recordAct(
    client,
    caller,
    { tenantId: tenant_id ?? 0, by: null, act, object: `token ${token_id}`, details },
    now,
  );
}

export function recordTenantAct(
  client: Queryable,
  { caller, now }: Asked,
  act: string,
  tenantId: number,
  details: Record<string, unknown> = {},
): Promise<void> {
  return recordAct(client, caller, { tenantId, by: null, act, object: `tenant ${tenantId}`, details }, now);
}
