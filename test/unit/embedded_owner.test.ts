/** Who is responsible for an embedded server: exactly one of any number of starts, also where a killed one left its mark. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Folder } from '../../receiver/embedded/folder.ts';
import { claim, createOwner, readOwner, removeOwner } from '../../receiver/embedded/owner.ts';

let folder: Folder;

beforeEach(async () => {
  const home = await mkdtemp(join(tmpdir(), 'runledger owner-'));
  folder = { dataDir: home, home, cluster: join(home, 'postgres'), account: null, port: null };
});

afterEach(() => rm(folder.home, { recursive: true, force: true }));

async function claimAtOnce(count: number): Promise<string[]> {
  const owners = await Promise.all(Array.from({ length: count }, createOwner));
  const won = await Promise.all(owners.map((owner) => claim(folder, owner)));
  return owners.filter((_, index) => won[index]).map((owner) => owner.handle);
}

test('of many starts at once one wins, and whoever asks again hears the same', async () => {
  const winners = await claimAtOnce(20);
  expect(winners).toHaveLength(1);
  expect((await readOwner(folder))?.handle).toBe(winners[0]);
  const owner = await readOwner(folder);
  expect(owner !== null && (await claim(folder, owner))).toBe(true);
  expect(await claimAtOnce(3)).toEqual([]);
  expect(await readdir(folder.home)).toEqual(['postgres-owner.json']);
});

test.each([
  ['of a process that is no more', JSON.stringify({ pid: 2 ** 22 + 1, startTicks: '1', handle: 'gone' })],
  ['that is not readable', '{'],
])('a mark %s is replaced by exactly one of many', async (_, text) => {
  for (let round = 0; round < 40; round++) {
    await writeFile(join(folder.home, 'postgres-owner.json'), text);
    const winners = await claimAtOnce(8);
    expect(winners).toHaveLength(1);
    expect((await readOwner(folder))?.handle).toBe(winners[0]);
    await removeOwner(folder);
  }
  expect(await readdir(folder.home)).toEqual([]);
});
