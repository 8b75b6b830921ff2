/** What one tenant can do to reach another's rows, tried as each role that faces tenants, with what a SQL prompt allows. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type DatabaseRole, inTenant } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { findBrokenWall } from '../../receiver/store/walls.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import {
  asLogin,
  DAY,
  failureOf,
  MINE,
  OTHER,
  OWN_TO_READERS,
  PUBLIC_TABLES,
  type Queryable,
  SHARED_ROWS,
  seedTenants,
  TENANT_TABLES,
  withClient,
} from '../helpers/seed_tenants.ts';

let database: TestDatabase;
const pools = new Map<DatabaseRole, pg.Pool>();
const DENIED = '42501';
const PARTITION = `runledger.events_${DAY.replaceAll('-', '')}`;

function poolOf(role: DatabaseRole): pg.Pool {
  const known = pools.get(role);
  if (known !== undefined) return known;
  const pool = createPool({ databaseUrl: database.databaseUrl, role, maxConnections: 2 });
  pools.set(role, pool);
  return pool;
}

async function tenantsSeen(client: Queryable, table: string): Promise<number[]> {
  const { rows } = await client.query(`select distinct tenant_id from ${table} order by 1`);
  return rows.map((row) => row.tenant_id);
}

beforeAll(async () => {
  database = await createTestDatabase();
  await seedTenants(database.superuserUrl);
});

afterAll(async () => {
  for (const pool of pools.values()) await pool.end();
  await database.drop();
});

describe('the reader', () => {
  it.each(OWN_TO_READERS)('sees nothing of %s with no tenant set', async (table) => {
    expect(await tenantsSeen(poolOf('runledger_reader'), table)).toEqual([]);
  });

  it.each(OWN_TO_READERS)('sees its own tenant alone in %s', async (table) => {
    const seen = await inTenant(poolOf('runledger_reader'), MINE, (client) => tenantsSeen(client, table));
    expect(seen).toEqual([MINE]);
  });

  it('is back to nothing on the same connection after the transaction', async () => {
    const pool = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_reader', maxConnections: 1 });
    try {
      await inTenant(pool, MINE, (client) => client.query('select 1'));
      const { rows } = await pool.query('select count(*) as n from public.enrichment_runs');
      expect(rows).toEqual([{ n: 0 }]);
    } finally {
      await pool.end();
    }
  });

  it.each(['runledger.prices', 'runledger.qa_settings', 'runledger.alert_overrides'])(
    'sees in %s what is for all or its own',
    async (table) => {
      await withClient(database.superuserUrl, (client) => client.query(SHARED_ROWS));
      const seen = await inTenant(poolOf('runledger_reader'), MINE, (client) => tenantsSeen(client, table));
      expect(seen).toEqual([0, MINE]);
    },
  );

  it.each(['runledger.tokens', 'runledger.settings', 'runledger.bi_logins', 'runledger.parked_spans', PARTITION])(
    'may not read %s at all',
    async (table) => {
      await inTenant(poolOf('runledger_reader'), MINE, async (client) => {
        expect(await failureOf(client, `select * from ${table}`)).toBe(DENIED);
        await client.query('rollback');
        await client.query('begin');
      });
    },
  );

  it('reviews a sample of its own, and no column that is not part of a review', async () => {
    const pool = poolOf('runledger_reader');
    const own = await inTenant(pool, MINE, (client) => client.query("update public.qa_samples set result = 'pass'"));
    expect(own.rowCount).toBe(1);
    const other = await withClient(database.superuserUrl, (client) =>
      client.query('select result from public.qa_samples where tenant_id = $1', [OTHER]),
    );
    expect(other.rows).toEqual([{ result: 'needs_review' }]);
    for (const column of ['tenant_id = 8', "bucket = 'Low'", 'company_id = 2', "facts = '{}'"]) {
      await expect(
        inTenant(pool, MINE, (client) => client.query(`update public.qa_samples set ${column}`)),
      ).rejects.toMatchObject({ code: DENIED });
    }
  });

  it.each(TENANT_TABLES)('cannot insert into or delete from %s', async (table) => {
    const client = poolOf('runledger_reader');
    expect(await failureOf(client, `insert into ${table} (tenant_id) values (${MINE})`)).toBe(DENIED);
    expect(await failureOf(client, `delete from ${table}`)).toBe(DENIED);
  });

  it('cannot look tokens up, make partitions or change the floor', async () => {
    const client = poolOf('runledger_reader');
    expect(await failureOf(client, "select runledger.find_token('x')")).toBe(DENIED);
    expect(await failureOf(client, "select runledger.ensure_partition('2026-11-21')")).toBe(DENIED);
    expect(await failureOf(client, "update runledger.retention set floor_day = '2000-01-01'")).toBe(DENIED);
  });

  it('refuses a tenant id that is no integer before it reaches the database', async () => {
    for (const tenant of [Number.NaN, 1.5, -1, 2 ** 31, "7'; drop table x" as unknown as number]) {
      await expect(inTenant(poolOf('runledger_reader'), tenant, async () => 1)).rejects.toBeInstanceOf(RangeError);
    }
  });
});

describe('ingest and operator', () => {
  it('ingest cannot read hashes, change tokens, or take events away', async () => {
    const client = poolOf('runledger_ingest');
    for (const query of [
      'select * from runledger.tokens',
      'update runledger.tokens set revoked_at = null',
      'delete from public.run_event_logs',
      'update public.run_event_logs set cost_usd = 0',
      "update public.qa_samples set result = 'pass'",
      'insert into runledger.bi_logins values (current_user, 8)',
      "update runledger.retention set floor_day = '2000-01-01'",
      'create table runledger.mine (a int)',
      `select * from ${PARTITION}`,
    ]) {
      expect([query, await failureOf(client, query)]).toEqual([query, DENIED]);
    }
  });

  it('the operator sees all tenants, and neither hashes nor the privacy key', async () => {
    const client = poolOf('runledger_operator');
    for (const table of [...PUBLIC_TABLES, 'runledger.refusals']) {
      expect(await tenantsSeen(client, table)).toEqual([MINE, OTHER]);
    }
    for (const query of [
      'select token_hash from runledger.tokens',
      'select * from runledger.tokens',
      'select * from runledger.settings',
      "update public.enrichment_runs set status = 'failed'",
      'delete from public.run_event_logs',
      'insert into runledger.bi_logins values (current_user, 8)',
    ]) {
      expect([query, await failureOf(client, query)]).toEqual([query, DENIED]);
    }
  });

  it('the owner, under forced policies, still sees every row', async () => {
    const client = poolOf('runledger_owner');
    for (const table of PUBLIC_TABLES) expect(await tenantsSeen(client, table)).toEqual([MINE, OTHER]);
    expect(await tenantsSeen(client, PARTITION)).toEqual([MINE, OTHER]);
  });
});

describe('a BI login', () => {
  const login = `runledger_bi_${MINE}_${randomBytes(4).toString('hex')}`;
  const stranger = `runledger_bi_x_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(9).toString('hex');

  beforeAll(async () => {
    await withClient(database.superuserUrl, async (client) => {
      for (const name of [login, stranger]) {
        await client.query(`create role ${name} login password '${password}'`);
        await client.query(`grant runledger_bi to ${name}`);
      }
      await client.query('insert into runledger.bi_logins values ($1, $2)', [login, MINE]);
    });
  });

  afterAll(() =>
    withClient(database.superuserUrl, (client) => client.query(`drop role ${login}; drop role ${stranger}`)),
  );

  const asBi = <T>(work: (client: pg.Client) => Promise<T>) =>
    withClient(asLogin(database.databaseUrl, login, password), work);

  it.each(PUBLIC_TABLES)('sees its own tenant alone in %s', async (table) => {
    expect(await asBi((client) => tenantsSeen(client, table))).toEqual([MINE]);
  });

  it('is not moved by any setting', async () => {
    await asBi(async (client) => {
      for (const setting of [
        `set app.tenant_id = '${OTHER}'`,
        'set row_security = off; set row_security = on',
        `set runledger.login = 'x'`,
        "set search_path = pg_temp; create temp table bi_logins as select 'x'::text as login_name, 8 as tenant_id; reset search_path",
        'reset role',
        'set role runledger_bi; reset role',
        'reset session authorization',
        'discard all',
      ]) {
        await client.query(setting);
        expect([setting, await tenantsSeen(client, 'public.run_event_logs')]).toEqual([setting, [MINE]]);
      }
    });
  });

  it('sees nothing as its group, which is nobody', async () => {
    await asBi(async (client) => {
      if ((await failureOf(client, 'set role runledger_bi')) !== null) return;
      expect(await tenantsSeen(client, 'public.enrichment_runs')).toEqual([]);
    });
  });

  it('an error, not rows, when it turns policies off', async () => {
    await asBi(async (client) => {
      await client.query('set row_security = off');
      expect(await failureOf(client, 'select * from public.enrichment_runs')).toBe(DENIED);
    });
  });

  it('cannot become anybody else', async () => {
    await asBi(async (client) => {
      for (const role of ['runledger_owner', 'runledger_ingest', 'runledger_reader', 'runledger_operator', stranger]) {
        expect([role, await failureOf(client, `set role ${role}`)]).toEqual([role, DENIED]);
        expect([role, await failureOf(client, `set session authorization ${role}`)]).toEqual([role, DENIED]);
      }
    });
  });

  it('reads no partition and nothing of schema runledger, and writes nothing', async () => {
    await asBi(async (client) => {
      for (const table of [PARTITION, ...TENANT_TABLES.slice(6), 'runledger.settings', 'runledger.vendors']) {
        expect([table, await failureOf(client, `select * from ${table}`)]).toEqual([table, DENIED]);
      }
      for (const table of PUBLIC_TABLES) {
        for (const query of [
          `insert into ${table} (tenant_id) values (${MINE})`,
          `delete from ${table}`,
          `truncate ${table}`,
        ]) {
          expect([query, await failureOf(client, query)]).toEqual([query, DENIED]);
        }
      }
      expect(await failureOf(client, "update public.qa_samples set result = 'pass'")).toBe(DENIED);
      expect(await failureOf(client, "select runledger.login_tenant('x')")).toBe(DENIED);
    });
  });

  it('of the group that the owner gave no tenant sees nothing', async () => {
    await withClient(asLogin(database.databaseUrl, stranger, password), async (client) => {
      await client.query(`set app.tenant_id = '${OTHER}'`);
      for (const table of PUBLIC_TABLES) expect(await tenantsSeen(client, table)).toEqual([]);
    });
  });
});

describe('findBrokenWall', () => {
  it('holds for the reader and for no role that sees more', async () => {
    expect(await findBrokenWall(poolOf('runledger_reader'))).toBeNull();
    expect(await findBrokenWall(poolOf('runledger_operator'))).not.toBeNull();
    expect(await findBrokenWall(poolOf('runledger_owner'))).not.toBeNull();
  });

  it('fails for a superuser and when a policy lets everything through', async () => {
    const superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
    try {
      expect(await findBrokenWall(superuser)).toContain('superuser');
      for (const leak of [
        'create policy leak on public.run_metrics to runledger_reader using (true)',
        'create policy leak on public.run_event_logs using (true)',
        'create policy leak on public.enrichment_runs for select using (tenant_id = 8)',
        'alter table public.qa_samples disable row level security',
        'alter table runledger.tenants disable row level security',
        'alter policy reader_own on public.run_event_logs using (true)',
      ]) {
        const owner = await superuser.connect();
        try {
          await owner.query('begin');
          await owner.query(leak);
          await owner.query('set local role runledger_reader');
          const { rows } = await owner.query(loadSql('queries/store/check_walls'));
          expect([leak, rows[0].problem]).toEqual([leak, expect.stringContaining('no tenant set')]);
        } finally {
          await owner.query('rollback');
          owner.release();
        }
      }
      expect(await findBrokenWall(poolOf('runledger_reader'))).toBeNull();
    } finally {
      await superuser.end();
    }
  });
});
