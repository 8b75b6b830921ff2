/** The API on a real port and a real database, with tokens of every kind. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { pino } from 'pino';
import { createChannelTester } from '../../receiver/derive/delivery/try_channel.ts';
import { createApi } from '../../receiver/serve/api.ts';
import type { OidcDeps } from '../../receiver/serve/oidc.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { registerTenants } from '../../receiver/store/tenants.ts';
import { createTokenVerifier } from '../../receiver/store/token_verifier.ts';
import { createToken, revokeToken } from '../../receiver/store/tokens.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

export interface ApiUnderTest {
  url: string;
  database: TestDatabase;
  owner: pg.Pool;
  operators: pg.Pool;
  readers: pg.Pool;
  tokens: Record<'a' | 'b' | 'admin' | 'ingest' | 'writeOnly' | 'revoked' | 'expired' | 'reviewer', string>;
  readiness: { ready: boolean };
  logged: string[];
  get(path: string, token?: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

export const TENANT_A = 7;
export const TENANT_B = 8;

export async function startApi(
  options: {
    bindHost?: string;
    statementTimeoutMs?: number;
    requestsPerMinute?: number;
    /** Sign-in at an identity provider, for an API at this address. */
    oidc?: (url: string) => OidcDeps;
  } = {},
): Promise<ApiUnderTest> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const database = await createTestDatabase();
  const open = (role: 'runledger_owner' | 'runledger_operator' | 'runledger_reader') =>
    createPool({
      databaseUrl: database.databaseUrl,
      role,
      maxConnections: 4,
      ...(role !== 'runledger_owner' && options.statementTimeoutMs !== undefined
        ? { statementTimeoutMs: options.statementTimeoutMs }
        : {}),
    });
  const [owner, operators, readers] = [open('runledger_owner'), open('runledger_operator'), open('runledger_reader')];
  await registerTenants(operators, [String(TENANT_A), String(TENANT_B)]);
  const tokens = await makeTokens(operators);
  const verifier = createTokenVerifier(operators);
  const readiness = { ready: true };
  const logged: string[] = [];
  const app = createApi({
    readers,
    operators,
    verifyToken: (token) => verifier.verify(token),
    readiness: {
      check: async () => ({ ready: readiness.ready, checks: { database: readiness.ready ? 'ok' : 'away' } }),
    },
    metrics: (_req, res) => {
      res.type('text/plain').send('runledger_up 1\n');
    },
    testChannel: createChannelTester(database.databaseUrl),
    bindHost: options.bindHost ?? '127.0.0.1',
    jaegerUiUrl: 'http://127.0.0.1:16686/',
    version: '0.0.0-test',
    requestsPerMinute: options.requestsPerMinute ?? 1_000_000,
    oidc: options.oidc?.(url) ?? null,
    log: pino({}, { write: (line: string) => void logged.push(line) }),
  });
  server.on('request', app);
  return {
    url,
    database,
    owner,
    operators,
    readers,
    tokens,
    readiness,
    logged,
    get: (path, token, init = {}) =>
      fetch(url + path, { ...init, headers: { ...(token === undefined ? {} : bearer(token)), ...init.headers } }),
    stop: async () => {
      verifier.close();
      await close(server);
      await Promise.all([owner, operators, readers].map((pool) => pool.end()));
      await database.drop();
    },
  };
}

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

async function makeTokens(operators: pg.Pool): Promise<ApiUnderTest['tokens']> {
  const make = async (request: Parameters<typeof createToken>[1]) => createToken(operators, request);
  const revoked = await make({ kind: 'admin', name: 'revoked' });
  await revokeToken(operators, revoked.tokenId);
  const expired = await make({ kind: 'admin', name: 'expired', expiresAt: new Date(Date.now() + 50) });
  await new Promise((resolve) => setTimeout(resolve, 60));
  return {
    a: (await make({ kind: 'tenant', tenantId: TENANT_A, name: 'a' })).token,
    b: (await make({ kind: 'tenant', tenantId: TENANT_B, name: 'b' })).token,
    writeOnly: (await make({ kind: 'tenant', tenantId: TENANT_A, name: 'w', scopes: ['write'] })).token,
    admin: (await make({ kind: 'admin', name: 'admin' })).token,
    ingest: (await make({ kind: 'ingest', name: 'ingest' })).token,
    reviewer: (await make({ kind: 'tenant', tenantId: TENANT_A, name: 'reviewer', scopes: ['read', 'review'] })).token,
    revoked: revoked.token,
    expired: expired.token,
  };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
