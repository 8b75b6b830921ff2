/** A BI login of one tenant, as an administrator makes it, with a connection of its own. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { TestDatabase } from './database.ts';
import { withClient } from './database_admin.ts';
import { asLogin } from './seed_tenants.ts';

export interface BiLogin {
  name: string;
  query(text: string, parameters?: unknown[]): Promise<pg.QueryResult>;
  /** Ends the connection and removes the role. */
  drop(): Promise<void>;
}

export async function createBiLogin(database: TestDatabase, tenantId: number): Promise<BiLogin> {
  const name = `runledger_bi_${tenantId}_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(9).toString('hex');
  await withClient(database.superuserUrl, async (client) => {
    await client.query(`create role ${name} login password '${password}' in role runledger_bi`);
    await client.query('insert into runledger.bi_logins values ($1, $2)', [name, tenantId]);
  });
  const client = new pg.Client({ connectionString: asLogin(database.databaseUrl, name, password) });
  client.on('error', () => undefined);
  await client.connect();
  return {
    name,
    query: (text, parameters) => client.query(text, parameters),
    async drop() {
      await client.end();
      await withClient(database.superuserUrl, (admin) => admin.query(`drop role ${name}`));
    },
  };
}
