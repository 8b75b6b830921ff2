/** The embedded PostgreSQL through everything a machine does to it: kills, restarts, taken ports, odd folders, two starts at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseAccount } from '../../receiver/embedded/account.ts';
import { findPackage, linkLibraries } from '../../receiver/embedded/binaries.ts';
import { createCluster } from '../../receiver/embedded/cluster.ts';
import { EmbeddedError, type EmbeddedPostgres, findEmbedded, startEmbedded } from '../../receiver/embedded/start.ts';
import { withClient } from '../helpers/database_admin.ts';
import { kill, letFinish, startElsewhere } from '../helpers/embedded_starter.ts';

const isRoot = process.getuid?.() === 0;
const lines: string[] = [];
const log = (line: string) => lines.push(line);
let base: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'runledger embedded-'));
  await chmod(base, 0o755);
});

afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

/** Runs `work` beside the server of a folder and stops it afterwards, whatever happens. */
async function during<T>(dataDir: string, work: (server: EmbeddedPostgres) => Promise<T>): Promise<T> {
  const server = await startEmbedded({ dataDir, log });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

function query(databaseUrl: string, text: string): Promise<Record<string, unknown>[]> {
  return withClient(databaseUrl, async (client) => (await client.query(text)).rows);
}

async function isThere(pid: number): Promise<boolean> {
  // In a container without an init process a killed server stays as a zombie, whose state is Z.
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text !== '' && !text.includes(') Z ');
}

describe('one data folder, start after start', () => {
  let dataDir: string;
  let port: string;

  beforeAll(() => {
    dataDir = join(base, `it's a "data" $folder`, 'übung');
  });

  test('the first start makes a durable, closed server', async () => {
    expect(await findEmbedded(dataDir)).toBeNull();
    await during(dataDir, async (server) => {
      expect(server.adopted).toBe(false);
      expect(await findEmbedded(dataDir)).toBe(server.databaseUrl);
      port = new URL(server.databaseUrl).port;
      const names =
        "('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'unix_socket_directories', 'TimeZone')";
      const rows = await query(server.databaseUrl, `select name, setting from pg_settings where name in ${names}`);
      expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
        fsync: 'on',
        synchronous_commit: 'on',
        full_page_writes: 'on',
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        TimeZone: 'UTC',
      });
      const database = 'select current_database() as name, pg_encoding_to_char(encoding) as encoding from pg_database';
      const [here] = await query(server.databaseUrl, `${database} where datname = current_database()`);
      expect(here).toEqual({ name: 'runledger', encoding: 'UTF8' });
    });
    expect(await findEmbedded(dataDir)).toBeNull();
  });

  test('nobody else reads the password, and no log holds it', async () => {
    await during(dataDir, async (server) => {
      const secret = join(dataDir, 'postgres', 'superuser-password');
      expect((await stat(secret)).mode & 0o777).toBe(0o600);
      expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700);
      const { password } = new URL(server.databaseUrl);
      expect(password).toHaveLength(32);
      expect(lines.join('\n') + (await readFile(join(dataDir, 'postgres.log'), 'utf8'))).not.toContain(password);
      const wrong = server.databaseUrl.replace(password, 'wrong');
      await expect(query(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    });
  });

  test('a restart keeps rows, password and port', async () => {
    const before = await during(dataDir, async (server) => {
      await query(server.databaseUrl, 'create table kept as select 42 as answer');
      return server.databaseUrl;
    });
    await during(dataDir, async (server) => {
      expect(server.databaseUrl).toBe(before);
      expect(await query(server.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
    });
  });

  test('a taken port is no obstacle', async () => {
    const squatter = createServer().listen({ host: '127.0.0.1', port: Number(port) });
    await once(squatter, 'listening');
    try {
      await during(dataDir, async (server) => {
        expect(new URL(server.databaseUrl).port).not.toBe(port);
        expect(await query(server.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
      });
    } finally {
      squatter.close();
    }
  });

  test('a lock file whose pid now belongs to another program does not block the start for ever', async () => {
    const cluster = join(dataDir, 'postgres');
    const { uid, gid } = await stat(cluster);
    const stranger = spawn('sleep', ['60'], isRoot ? { uid, gid } : {});
    try {
      await writeFile(
        join(cluster, 'postmaster.pid'),
        `${stranger.pid}\n${cluster}\n1\n${port}\n\n127.0.0.1\n\nready\n`,
      );
      expect(await findEmbedded(dataDir)).toBeNull();
      await during(dataDir, async (server) => {
        expect(server.adopted).toBe(false);
        expect(await query(server.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
      });
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  test('data of an older or a newer major version is refused and left alone', async () => {
    const version = join(dataDir, 'postgres', 'PG_VERSION');
    const real = await readFile(version, 'utf8');
    for (const major of ['15', '99']) {
      await writeFile(version, `${major}\n`);
      await expect(startEmbedded({ dataDir, log })).rejects.toThrow(`was made by PostgreSQL ${major}`);
    }
    await writeFile(version, real);
    await during(dataDir, async (server) => {
      expect(await query(server.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
    });
  });

  test('a setting that PostgreSQL refuses is reported at once, in its own words', async () => {
    const settings = { shared_buffers: 'plenty' };
    await expect(startEmbedded({ dataDir, log, settings })).rejects.toThrow(/shared_buffers/);
  });
});

describe('after a kill -9', () => {
  let dataDir: string;

  beforeAll(() => {
    dataDir = join(base, 'killed');
  });

  test('of the Node process, the next start takes the running server over and stops it at its end', async () => {
    const first = await startElsewhere(dataDir);
    await query(first.databaseUrl, 'create table kept as select 1 as answer');
    await kill(first.child);
    const pid = await during(dataDir, async (server) => {
      expect(server).toMatchObject({ adopted: true, pid: first.pid, databaseUrl: first.databaseUrl });
      return server.pid;
    });
    expect(await isThere(pid)).toBe(false);
  });

  test('of the Node process and the server, every committed row is there at the next start', async () => {
    const first = await startElsewhere(dataDir);
    await query(first.databaseUrl, 'create table committed (n int)');
    for (let n = 0; n < 20; n++)
      await query(first.databaseUrl, `insert into committed select generate_series(1, 1000)`);
    const busy = query(first.databaseUrl, 'insert into committed select 0 from pg_sleep(60)').catch(() => 'lost');
    process.kill(first.pid, 'SIGKILL');
    await kill(first.child);
    await during(dataDir, async (server) => {
      expect(server.pid).not.toBe(first.pid);
      const rows = await query(
        server.databaseUrl,
        'select count(*)::int as count, count(*) filter (where n = 0)::int as open from committed',
      );
      expect(rows).toEqual([{ count: 20_000, open: 0 }]);
    });
    expect(await busy).toBe('lost');
  });

  test('of the server, the process that runs beside it brings it back under the same URL', async () => {
    await during(dataDir, async (server) => {
      const dead = server.pid;
      process.kill(dead, 'SIGKILL');
      await expect.poll(() => server.pid, { timeout: 60_000 }).not.toBe(dead);
      expect(await query(server.databaseUrl, 'select count(*)::int as count from committed')).toEqual([
        { count: 20_000 },
      ]);
    });
    expect(await findEmbedded(dataDir)).toBeNull();
  });
});

describe('two processes, one data folder', () => {
  test('four started at once on a new folder share one server, and one of them stops it', async () => {
    const dataDir = join(base, 'shared');
    const starters = await Promise.all(Array.from({ length: 4 }, () => startElsewhere(dataDir)));
    const own = starters.find((starter) => !starter.adopted);
    if (own === undefined) throw new Error('nobody says that it started the server');
    const sharing = starters.filter((starter) => starter !== own);
    for (const starter of sharing) {
      expect(starter).toMatchObject({ adopted: true, pid: own.pid, databaseUrl: own.databaseUrl });
      await letFinish(starter.child);
      expect(await query(own.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    }
    await letFinish(own.child);
    expect(await findEmbedded(dataDir)).toBeNull();
    expect(await isThere(own.pid)).toBe(false);
  });

  test('when the one that started the server goes first, the other one has it back under the same URL', async () => {
    const dataDir = join(base, 'shared');
    const own = await startElsewhere(dataDir);
    await during(dataDir, async (sharing) => {
      expect(sharing.adopted).toBe(true);
      await letFinish(own.child);
      await expect.poll(() => findEmbedded(dataDir), { timeout: 60_000 }).toBe(own.databaseUrl);
    });
    expect(await findEmbedded(dataDir)).toBeNull();
  });
});

describe('a first start that fails half-way', () => {
  test('says why in the words of initdb, and leaves nothing behind', async () => {
    const home = join(base, 'failing');
    const found = await findPackage();
    const root = join(base, 'damaged');
    await mkdir(home);
    await cp(found.root, root, { recursive: true, verbatimSymlinks: true });
    await linkLibraries(root);
    await rm(join(root, 'share', 'postgresql', 'postgres.bki'));
    const account = await chooseAccount(null);
    const folder = { dataDir: home, home, cluster: join(home, 'postgres'), account, port: null };
    const failure = await createCluster(folder, { root, major: 18 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddedError);
    expect(String(failure)).toMatch(/initdb failed[\s\S]*postgres\.bki[\s\S]*does not exist/);
    expect(await readdir(home)).toEqual([]);
  });

  test('by a kill is cleared away by the next one', async () => {
    const dataDir = join(base, 'abandoned');
    // No process has this pid: Linux and macOS end their pids below it.
    const half = join(dataDir, 'postgres.new-99999999-abcd');
    await mkdir(half, { recursive: true });
    await writeFile(join(half, 'PG_VERSION'), '18\n');
    await writeFile(`${half}.password`, 'secret');
    await during(dataDir, async (server) => {
      expect(await query(server.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect((await readdir(dataDir)).filter((name) => name.includes('.new-'))).toEqual([]);
    });
  });
});

test('a data folder that PostgreSQL’s account cannot enter still works', async () => {
  const closed = join(base, 'closed');
  const dataDir = join(closed, 'project', '.runledger');
  await mkdir(dataDir, { recursive: true });
  await chmod(closed, 0o700);
  const url = await during(dataDir, async (server) => server.databaseUrl);
  const record: { home: string } = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8'));
  try {
    // Root's server runs as another account, for which a place outside is found and kept; an ordinary user needs none.
    if (isRoot) expect(record.home).toMatch(/^\/.*runledger\/_runledger-/);
    else expect(record.home).toBe('.');
    await during(dataDir, async (server) => expect(server.databaseUrl).toBe(url));
  } finally {
    if (record.home !== '.') await rm(record.home, { recursive: true, force: true });
  }
});
