/** Tokens: who they stand for, how fast they die, and what a flood of strangers costs. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { disableTenant, enableTenant, registerTenants } from '../../receiver/store/tenants.ts';
import { createTokenVerifier, type TokenVerifier } from '../../receiver/store/token_verifier.ts';
import {
  createToken,
  generateToken,
  hashToken,
  InvalidRequestError,
  listTokens,
  revokeToken,
  seedToken,
} from '../../receiver/store/tokens.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/seed_tenants.ts';

let database: TestDatabase;
let ingest: pg.Pool;
let operator: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  ingest = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 4 });
  operator = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_operator', maxConnections: 4 });
  await registerTenants(operator, ['7', '8']);
});

afterAll(async () => {
  await ingest.end();
  await operator.end();
  await database.drop();
});

async function withVerifier<T>(work: (verifier: TokenVerifier) => Promise<T>, pool = ingest): Promise<T> {
  const verifier = createTokenVerifier(pool);
  try {
    return await work(verifier);
  } finally {
    verifier.close();
  }
}

describe('making', () => {
  it('a token is valid at once, for the pool of either role, and stands for its tenant and scopes', async () => {
    const { token, tokenId } = await createToken(operator, { kind: 'tenant', tenantId: 7, name: 'nightly' });
    for (const pool of [ingest, operator]) {
      expect(await withVerifier((verifier) => verifier.verify(token), pool)).toEqual({
        tokenId,
        kind: 'tenant',
        tenantId: 7,
        scopes: ['write', 'read'],
        name: 'nightly',
      });
    }
  });

  it('tokens of the other kinds belong to no tenant', async () => {
    for (const kind of ['ingest', 'admin'] as const) {
      const { token } = await createToken(operator, { kind, name: kind });
      expect(await withVerifier((verifier) => verifier.verify(token))).toMatchObject({
        kind,
        tenantId: null,
        scopes: [],
      });
    }
  });

  it('no stored column holds the token', async () => {
    const { token } = await createToken(operator, { kind: 'admin', name: 'looked for' });
    const { rows } = await withClient(database.superuserUrl, (client) =>
      client.query('select t::text as text from runledger.tokens as t'),
    );
    expect(rows.length).toBeGreaterThan(0);
    const secret = token.slice(4);
    for (const row of rows) expect(row.text).not.toContain(secret);
    expect(JSON.stringify(await listTokens(operator))).not.toContain(hashToken(token).toString('hex'));
  });

  it('two tokens are never alike, and their kind shows', () => {
    const tokens = Array.from({ length: 1000 }, () => generateToken('tenant'));
    expect(new Set(tokens).size).toBe(1000);
    for (const token of tokens) expect(token).toMatch(/^rlt_[A-Za-z0-9_-]{43}$/);
  });

  it.each([
    ['a tenant that is not registered', { kind: 'tenant', tenantId: 99, name: 'x' }],
    ['a tenant token without a tenant', { kind: 'tenant', name: 'x' }],
    ['an admin token with a tenant', { kind: 'admin', tenantId: 7, name: 'x' }],
    ['an ingest token with scopes', { kind: 'ingest', scopes: ['read'], name: 'x' }],
    ['no scope at all', { kind: 'tenant', tenantId: 7, scopes: [], name: 'x' }],
    ['an unknown scope', { kind: 'tenant', tenantId: 7, scopes: ['root'], name: 'x' }],
    ['no name', { kind: 'tenant', tenantId: 7, name: ' ' }],
    ['an expiry in the past', { kind: 'tenant', tenantId: 7, name: 'x', expiresAt: new Date(0) }],
    ['an expiry that is no time', { kind: 'tenant', tenantId: 7, name: 'x', expiresAt: new Date('nonsense') }],
  ])('refuses %s', async (_, request) => {
    await expect(createToken(operator, request as Parameters<typeof createToken>[1])).rejects.toBeInstanceOf(
      InvalidRequestError,
    );
  });
});

describe('dying', () => {
  it('a revoked token, also one that is cached, dies within 5 s', async () => {
    await withVerifier(async (verifier) => {
      const { token, tokenId } = await createToken(operator, { kind: 'tenant', tenantId: 7, name: 'short' });
      expect(await verifier.verify(token)).not.toBeNull();
      const startMs = performance.now();
      try {
        expect(await revokeToken(operator, tokenId)).toBe(true);
        vi.spyOn(performance, 'now').mockReturnValue(startMs + 5_000);
        expect(await verifier.verify(token)).toBeNull();
      } finally {
        vi.restoreAllMocks();
      }
    });
  });

  it('an expired token is nobody, and a cached one no longer than it lives', async () => {
    await withVerifier(async (verifier) => {
      const expiresAt = new Date(Date.now() + 700);
      const { token } = await createToken(operator, { kind: 'tenant', tenantId: 7, name: 'brief', expiresAt });
      expect(await verifier.verify(token)).not.toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 900));
      expect(await verifier.verify(token)).toBeNull();
    });
  });

  it('the tokens of a disabled tenant are nobody until it is enabled again', async () => {
    const { token } = await createToken(operator, { kind: 'tenant', tenantId: 8, name: 'off' });
    expect(await disableTenant(operator, 8)).toBe(true);
    expect(await withVerifier((verifier) => verifier.verify(token))).toBeNull();
    expect(await enableTenant(operator, 8)).toBe(true);
    expect(await withVerifier((verifier) => verifier.verify(token))).toMatchObject({ tenantId: 8 });
  });

  it('revoking twice keeps the first time; revoking nothing says so', async () => {
    const { tokenId } = await createToken(operator, { kind: 'admin', name: 'twice' });
    await revokeToken(operator, tokenId);
    const first = (await listTokens(operator)).find((token) => token.tokenId === tokenId)?.revokedAt;
    expect(await revokeToken(operator, tokenId)).toBe(true);
    expect((await listTokens(operator)).find((token) => token.tokenId === tokenId)?.revokedAt).toEqual(first);
    expect(await revokeToken(operator, 999_999)).toBe(false);
  });
});

describe('seeding', () => {
  const value = 'a-configured-token-of-length';

  it('is repeatable, replaces the earlier value, and never revives a revoked one', async () => {
    expect(await Promise.all([1, 2, 3].map(() => seedToken(operator, 'ingest', value)))).toContain('created');
    expect(await seedToken(operator, 'ingest', value)).toBe('present');
    expect(await withVerifier((verifier) => verifier.verify(value))).toMatchObject({ kind: 'ingest', tenantId: null });
    expect(await seedToken(operator, 'ingest', `${value}-rotated`)).toBe('created');
    expect(await withVerifier((verifier) => verifier.verify(value))).toBeNull();
    expect(await seedToken(operator, 'ingest', value)).toBe('revoked');
    expect(await withVerifier((verifier) => verifier.verify(value))).toBeNull();
    expect(await withVerifier((verifier) => verifier.verify(`${value}-rotated`))).not.toBeNull();
  });

  it('leaves tokens that people made alone', async () => {
    const { token } = await createToken(operator, { kind: 'ingest', name: 'of a person' });
    await seedToken(operator, 'ingest', `${value}-again`);
    expect(await withVerifier((verifier) => verifier.verify(token))).not.toBeNull();
  });

  it.each(['', 'short', 'with a blank inside it', 'ümlaut-in-a-long-token'])('refuses %j', async (text) => {
    await expect(seedToken(operator, 'admin', text)).rejects.toBeInstanceOf(InvalidRequestError);
  });
});

describe('verifying', () => {
  it.each(['', 'x', 'a b c d e f g h i j k', '\0'.repeat(20), 'é'.repeat(30), 'x'.repeat(10_000)])(
    'what can be no token is nobody without a look-up: %#',
    async (text) => {
      const looks = vi.spyOn(ingest, 'query');
      expect(await withVerifier((verifier) => verifier.verify(text))).toBeNull();
      expect(looks).not.toHaveBeenCalled();
      looks.mockRestore();
    },
  );

  it('a good token is looked up once for a burst, and its use is noted once', async () => {
    const { token, tokenId } = await createToken(operator, { kind: 'tenant', tenantId: 7, name: 'burst' });
    const looks = vi.spyOn(ingest, 'query');
    await withVerifier(async (verifier) => {
      await Promise.all(Array.from({ length: 200 }, () => verifier.verify(token)));
      expect(looks).toHaveBeenCalledTimes(2);
    });
    looks.mockRestore();
    await vi.waitFor(async () => {
      expect((await listTokens(operator)).find((entry) => entry.tokenId === tokenId)?.lastUsedAt).toBeInstanceOf(Date);
    });
  });

  it('a flood of strangers waits in a short queue, the rest is told to come back, and a good token still passes', async () => {
    const { token } = await createToken(operator, { kind: 'tenant', tenantId: 7, name: 'in the flood' });
    await withVerifier(async (verifier) => {
      await verifier.verify(token);
      const flood = Array.from({ length: 2_000 }, () => verifier.verify(generateToken('tenant')));
      const good = verifier.verify(token);
      const outcomes = await Promise.allSettled(flood);
      expect(await good).not.toBeNull();
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused.length).toBeGreaterThan(1_500);
      for (const outcome of refused) expect(outcome.reason).toMatchObject({ code: '53300' });
      for (const outcome of outcomes) if (outcome.status === 'fulfilled') expect(outcome.value).toBeNull();
    });
  });

  it('a database that is away is an error that may pass, never "unknown token"', async () => {
    const away = createPool({
      databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
      role: 'runledger_ingest',
      maxConnections: 1,
    });
    await expect(withVerifier((verifier) => verifier.verify(generateToken('admin')), away)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await away.end();
  });
});
