/** The first start's tokens: whoever starts at the same moment, every token that a start hands out is registered and stays so. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../receiver/config.ts';
import { ensureFirstTokens, type FirstToken } from '../../receiver/first_tokens.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { hashToken } from '../../receiver/store/tokens.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

const STARTS = 12;
const ROUNDS = 10;

let database: TestDatabase;
let owner: pg.Pool;
let starts: pg.Pool[];
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  const open = (role: 'runledger_owner' | 'runledger_operator') =>
    createPool({ databaseUrl: database.databaseUrl, role, maxConnections: 2 });
  owner = open('runledger_owner');
  // Each start has its own pool, as each process has.
  starts = Array.from({ length: STARTS }, () => open('runledger_operator'));
});
afterAll(async () => {
  await Promise.all([owner, ...starts].map((pool) => pool.end()));
  await database.drop();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runledger-first-'));
  await owner.query('delete from runledger.tokens');
});
afterEach(() => rmSync(folder, { recursive: true }));

function configOf(dataDir: string): Config {
  return loadConfig({}, { DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: dataDir });
}

/** The texts of the two tokens, the admin's first. */
const texts = (tokens: FirstToken[]) => tokens.map(({ token }) => token);

async function validHashes(): Promise<string[]> {
  const { rows } = await owner.query<{ hash: string }>(
    `select encode(token_hash, 'hex') as hash from runledger.tokens where revoked_at is null order by kind`,
  );
  return rows.map(({ hash }) => hash);
}

const hashesOf = (tokens: (string | null)[]) => tokens.map((token) => hashToken(token ?? '').toString('hex'));

test('many first starts at once on one data folder all have the same two tokens, and these are registered', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    await owner.query('delete from runledger.tokens');
    const dataDir = join(folder, String(round), 'data');
    const all = await Promise.all(starts.map((pool) => ensureFirstTokens(configOf(dataDir), pool)));
    const [first = []] = all.map(texts);
    expect(all.map(texts)).toEqual(all.map(() => first));
    expect(await validHashes()).toEqual(hashesOf(first));
    expect(all.flat().filter(({ isNew }) => isNew)).toHaveLength(2);
    expect(readdirSync(dataDir).sort()).toEqual(['admin-token', 'ingest-token']);
    for (const file of readdirSync(dataDir)) expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
  }
});

test('many first starts at once, each with its own data folder: one hands out tokens, and nobody revokes them', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    await owner.query('delete from runledger.tokens');
    const all = await Promise.all(
      starts.map((pool, n) => ensureFirstTokens(configOf(join(folder, `${round}-${n}`)), pool)),
    );
    const handedOut = all.map(texts).filter(([admin, ingest]) => admin !== null || ingest !== null);
    expect(handedOut).toHaveLength(1);
    expect(await validHashes()).toEqual(hashesOf(handedOut[0] ?? []));
  }
});

test('a token file with nothing in it stops the start and says what to do, on a new database and on a used one', async () => {
  mkdirSync(join(folder, 'data'));
  const path = join(folder, 'data', 'ingest-token');
  writeFileSync(path, '\n');
  const [pool] = starts as [pg.Pool];
  const start = () => ensureFirstTokens(configOf(join(folder, 'data')), pool);
  await expect(start()).rejects.toThrow(`The token file ${path} is empty: remove it`);
  await ensureFirstTokens(configOf(join(folder, 'other')), pool);
  await expect(start()).rejects.toThrow(`The token file ${path} is empty: remove it`);
});
