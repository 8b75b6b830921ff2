/** The launcher's small decisions: accounts, passable folders, settings, ports, processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canReach, parseAccounts } from '../../receiver/embedded/account.ts';
import { choosePort } from '../../receiver/embedded/port.ts';
import { isAlive, markOf } from '../../receiver/embedded/process.ts';
import { renderSettings, serverArguments, serverSettings } from '../../receiver/embedded/settings.ts';

test('root and broken lines never become the server account', () => {
  const passwd = 'root:x:0:0::/:/bin/sh\n\nbroken\ntoor:x:0:0::/:\nnobody:*:-2:-2::/:\npostgres:x:101:104::/:/bin/sh\n';
  expect(parseAccounts(passwd)).toEqual([
    { name: 'nobody', uid: 4_294_967_294, gid: 4_294_967_294 },
    { name: 'postgres', uid: 101, gid: 104 },
  ]);
});

test('one closed folder on the way closes the path for a stranger', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runledger-reach-'));
  const stranger = { name: 'stranger', uid: 4_000_000, gid: 4_000_000 };
  try {
    await chmod(folder, 0o711);
    expect(await canReach(join(folder, 'not', 'yet'), stranger)).toBe(true);
    await chmod(folder, 0o700);
    expect(await canReach(join(folder, 'not', 'yet'), stranger)).toBe(false);
    expect(await canReach(folder, null)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('no value of a setting can end its line or its quotes', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      if (/[\n\r\0]/.test(value)) return expect(() => renderSettings({ x: value })).toThrow('line break');
      const line = renderSettings({ x: value }).split('\n')[1] ?? '';
      expect(line.slice(5, -1).replaceAll("''", '')).not.toContain("'");
      expect(line.slice(5, -1).replaceAll("''", "'")).toBe(value);
    }),
  );
  expect(() => renderSettings({ 'x = 1\ny': '1' })).toThrow('not a setting');
});

test('memory settings stay sane from 256 MB to 1 TB, and durability is on unless switched off', () => {
  const sizes = [256, 2048, 24 * 1024, 1024 * 1024].map(
    (mebibytes) => serverSettings({}, mebibytes * 1024 * 1024).shared_buffers,
  );
  expect(sizes).toEqual(['64MB', '256MB', '1024MB', '1024MB']);
  expect(serverSettings()).toMatchObject({ fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' });
  expect(serverSettings({ fsync: 'off' }).fsync).toBe('off');
});

test('the server listens on the loopback address only, whatever a file says', () => {
  expect(serverArguments('/data', 15432)).toContain('listen_addresses=127.0.0.1');
  expect(serverArguments('/data', 15432)).toContain('unix_socket_directories=');
});

test('the last port is kept while it is free and given up when it is taken', async () => {
  const squatter = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(squatter, 'listening');
  const address = squatter.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const said: string[] = [];
  expect(await choosePort(address.port, (line) => said.push(line))).not.toBe(address.port);
  expect(said).toHaveLength(1);
  squatter.close();
  await once(squatter, 'close');
  expect(await choosePort(address.port, (line) => said.push(line))).toBe(address.port);
});

test('a pid that another process got since does not count as alive', async () => {
  const child = spawn('sleep', ['60']);
  const mark = await markOf(child.pid ?? 0);
  expect(await isAlive(mark)).toBe(true);
  if (process.platform === 'linux') expect(await isAlive({ ...mark, startTicks: '1' })).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await isAlive(mark)).toBe(false);
});
