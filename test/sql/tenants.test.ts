/** The register of tenants and the snapshot that mapping gets of it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../receiver/store/pool.ts';
import { createSnapshotSource, type SnapshotSource } from '../../receiver/store/snapshot.ts';
import { disableTenant, listTenants, registerTenants, renameTenant } from '../../receiver/store/tenants.ts';
import { InvalidRequestError } from '../../receiver/store/tokens.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/seed_tenants.ts';

let database: TestDatabase;
let ingest: pg.Pool;
let operator: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  ingest = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 8 });
  operator = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_operator', maxConnections: 2 });
});

afterAll(async () => {
  await ingest.end();
  await operator.end();
  await database.drop();
});

describe('registering', () => {
  it('numbers keep their number, names get one from 2^30, again and again the same', async () => {
    const first = await registerTenants(ingest, ['7', 'acme', '1073741823', 'acme']);
    expect(first.get('7')).toBe(7);
    expect(first.get('1073741823')).toBe(1_073_741_823);
    expect(first.get('acme')).toBeGreaterThanOrEqual(2 ** 30);
    expect(await registerTenants(operator, ['acme', '7'])).toEqual(
      new Map([
        ['acme', first.get('acme')],
        ['7', 7],
      ]),
    );
  });

  it('eight at once, in every order, agree', async () => {
    const names = ['zeta', 'beta', '21', 'alpha', '20'];
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => registerTenants(ingest, index % 2 === 0 ? names : [...names].reverse())),
    );
    for (const result of results) {
      for (const name of names) expect(result.get(name)).toBe(results[0]?.get(name));
    }
    expect((await listTenants(operator)).filter((tenant) => tenant.name === 'beta')).toHaveLength(1);
  });

  it.each(['0', '-1', '1073741824', '007', '1.5', '', 'Acme', '9lives', 'a b', 'a'.repeat(65), 'ä'])(
    'refuses %j and registers nothing of the same call',
    async (name) => {
      await expect(registerTenants(ingest, ['not_registered', name])).rejects.toBeInstanceOf(InvalidRequestError);
      expect((await listTenants(operator)).map((tenant) => tenant.name)).not.toContain('not_registered');
    },
  );

  it('does not bring a disabled tenant back', async () => {
    await registerTenants(ingest, ['31']);
    await disableTenant(operator, 31);
    await registerTenants(ingest, ['31']);
    expect((await listTenants(operator)).find((tenant) => tenant.tenantId === 31)?.status).toBe('disabled');
  });

  it('renaming keeps the number; a taken name, a bad one and tenant 0 are refused', async () => {
    const id = (await registerTenants(ingest, ['before'])).get('before') ?? 0;
    await registerTenants(ingest, ['taken']);
    expect(await renameTenant(operator, id, 'after')).toBe(true);
    expect((await registerTenants(ingest, ['after'])).get('after')).toBe(id);
    await expect(renameTenant(operator, id, 'taken')).rejects.toBeInstanceOf(InvalidRequestError);
    await expect(renameTenant(operator, id, 'Not A Name')).rejects.toBeInstanceOf(InvalidRequestError);
    expect(await renameTenant(operator, 0, 'zero')).toBe(false);
    expect(await disableTenant(operator, 0)).toBe(false);
  });
});

describe('the snapshot', () => {
  async function withSource<T>(work: (source: SnapshotSource) => Promise<T>, retentionDays?: number): Promise<T> {
    const options = { linkHosts: ['Smith.LangChain.com'], ...(retentionDays === undefined ? {} : { retentionDays }) };
    const source = await createSnapshotSource(ingest, options);
    try {
      return await work(source);
    } finally {
      source.close();
    }
  }

  it('knows tenants, vendors by name, alias and host, link hosts and the privacy key', async () => {
    const ids = await registerTenants(ingest, ['41', '42', 'globex']);
    await disableTenant(operator, 42);
    await withSource(async (source) => {
      const snapshot = source.current();
      expect(snapshot.activeTenantIds.has(41)).toBe(true);
      expect(snapshot.activeTenantIds.has(42)).toBe(false);
      expect(snapshot.disabledTenantIds.has(42)).toBe(true);
      expect(snapshot.activeTenantIds.has(0)).toBe(false);
      expect(snapshot.tenantIdByName.get('globex')).toBe(ids.get('globex'));
      expect(snapshot.vendorByAlias.get('gcp.gemini')).toEqual({ name: 'google', countHttp: false });
      expect(snapshot.vendorByAlias.get('openai')).toEqual({ name: 'openai', countHttp: false });
      expect(snapshot.vendorByHost.get('api.apify.com')).toEqual({ name: 'apify_linkedin', countHttp: true });
      expect([...snapshot.linkHosts]).toEqual(['smith.langchain.com']);
      expect(snapshot.privacyKey).toHaveLength(32);
      expect(snapshot.retentionFloorUs).toBe(Date.UTC(2000, 0, 1) * 1000);
    });
  });

  it('no alias or host leads to two vendors', async () => {
    const { rows } = await ingest.query(`
      select lower(word) as word, count(distinct vendor)::int as vendors
      from (select vendor, unnest(aliases || vendor::text) as word from runledger.vendors
            union all select vendor, unnest(hosts) from runledger.vendors) as w
      group by 1 having count(distinct vendor) > 1`);
    expect(rows).toEqual([]);
  });

  it('reads prices newest first, with the tenant and the model they hold for', async () => {
    await withClient(database.superuserUrl, (client) =>
      client.query(`insert into runledger.prices (tenant_id, vendor, model, unit, amount_usd, valid_from) values
        (0, 'lusha', '', 'call', 0.10, '-infinity'), (0, 'lusha', '', 'call', 0.1234567890123456789, '2026-01-01Z'),
        (7, 'openai', 'm', 'token_input', 0.000001, '2026-02-01Z')`),
    );
    await withSource(async (source) => {
      expect(source.current().prices).toMatchObject([
        {
          tenantId: null,
          vendor: 'lusha',
          model: null,
          amountUsd: '0.1234567890123456789',
          fromUs: Date.UTC(2026, 0, 1) * 1000,
        },
        { tenantId: null, vendor: 'lusha', amountUsd: '0.10', fromUs: Number.NEGATIVE_INFINITY },
        { tenantId: 7, vendor: 'openai', model: 'm', unit: 'token_input', amountUsd: '0.000001' },
      ]);
    });
  });

  it('follows changes by itself, and a value once handed out never changes', async () => {
    await withSource(async (source) => {
      const before = source.current();
      await registerTenants(ingest, ['51']);
      await vi.waitFor(() => expect(source.current().activeTenantIds.has(51)).toBe(true), { timeout: 60_000 });
      expect(before.activeTenantIds.has(51)).toBe(false);
      const same = source.current();
      await source.refresh();
      expect(source.current()).toBe(same);
      await registerTenants(ingest, ['52']);
      await source.refresh();
      expect(source.current().activeTenantIds.has(52)).toBe(true);
    });
  });

  it('the configured retention moves the first accepted day up, the database floor too', async () => {
    const today = Math.floor(Date.now() / 86_400_000);
    await withSource(async (source) => {
      expect(source.current().retentionFloorUs).toBe((today - 30) * 86_400_000_000);
    }, 30);
  });

  it('a database that goes away leaves the last value in place and the process alive', async () => {
    const pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_ingest', maxConnections: 1 });
    const source = await createSnapshotSource(pool, { linkHosts: [] });
    await pool.end();
    await expect(source.refresh()).rejects.toMatchObject({ code: '08001' });
    expect(source.current().privacyKey).toHaveLength(32);
    source.close();
  });

  it('each database has a privacy key of its own', async () => {
    const { rows } = await withClient(database.superuserUrl, (client) =>
      client.query("select value #>> '{}' as key from runledger.settings where name = 'privacy_key'"),
    );
    expect(rows[0].key).toMatch(/^[0-9a-f]{64}$/);
  });
});
