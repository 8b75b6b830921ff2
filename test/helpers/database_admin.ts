/** What the test set-up and the tests' databases both do on the server: connect as superuser, drop a database. */
import pg from 'pg';

/** The same server and login, another database. */
export function onDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

export async function withClient<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // A connection that is lost while idle is reported by the next query; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A pool whose sessions the server may end whenever it likes, also while they are leaving: the next query reports it. */
export function openPool(databaseUrl: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl, max });
  pool.on('error', () => undefined);
  // A session that has left the pool is nobody's any more, and its end would be that of the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** How long sessions may take to leave before they are ended. */
const LEAVE_MS = 3_000;

/**
 * Drops the database with whatever sessions it still has; fine if it is gone. A pool's end() resolves before the server has heard of it:
 * ending such a session from here would be an error of the pool, and without a listener the end of the test's process.
 */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  const quoted = pg.escapeIdentifier(name);
  await withClient(serverUrl, async (client) => {
    await untilLeft(client, name);
    const found = await client.query('select from pg_database where datname = $1 and datistemplate', [name]);
    if (found.rowCount === 1) await client.query(`alter database ${quoted} with is_template false`);
    await client.query(`drop database if exists ${quoted} with (force)`);
  });
}

async function untilLeft(client: pg.Client, name: string): Promise<void> {
  const sessions = "select from pg_stat_activity where datname = $1 and backend_type = 'client backend'";
  for (const startedMs = Date.now(); Date.now() - startedMs < LEAVE_MS; ) {
    if ((await client.query(sessions, [name])).rowCount === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
