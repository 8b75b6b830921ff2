/** docs/delivery.md against the product: its code checks real signatures, its SQL runs, its message is the one that is sent. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeWebhook } from '../../receiver/derive/delivery/webhook.ts';
import { alertMessage, outgoing } from '../helpers/alert_messages.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

const PAGE = readFileSync(new URL('../../docs/delivery.md', import.meta.url), 'utf8');

/** The first block of a language. */
function block(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(PAGE) ?? [];
  if (text === undefined) throw new Error(`docs/delivery.md has no block of ${language}`);
  return text;
}

type Check = (header: string | undefined, body: Buffer, key: string, nowSeconds?: number) => boolean;

describe('the sample that checks signatures', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runledger-docs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let isFromRunledger: Check;
  const key = 'rls_key-of-the-test';
  const now = new Date('2026-11-22T03:00:00Z');
  const seconds = now.getTime() / 1000;
  const sent = composeWebhook([outgoing({ title: 'ä€😀' })], {
    url: 'https://x.example',
    secret: key,
    now,
    standing: [],
  });
  const header = sent.headers['runledger-signature'];
  const body = Buffer.from(sent.body);

  beforeAll(async () => {
    const file = join(folder, 'check.mjs');
    writeFileSync(file, block('js'));
    const module = (await import(pathToFileURL(file).href)) as { isFromRunledger: Check };
    isFromRunledger = module.isFromRunledger;
  });

  it('takes what was sent', () => {
    expect(isFromRunledger(header, body, key, seconds)).toBe(true);
    expect(isFromRunledger(header, body, key, seconds + 299)).toBe(true);
  });

  it('refuses another body, key, time or header', () => {
    expect(isFromRunledger(header, Buffer.concat([body, Buffer.from(' ')]), key, seconds)).toBe(false);
    expect(isFromRunledger(header, body, 'rls_another-key-of-the-test', seconds)).toBe(false);
    expect(isFromRunledger(header, body, key, seconds + 301)).toBe(false);
    expect(isFromRunledger(header?.replace(/t=\d+/, `t=${seconds + 1}`), body, key, seconds)).toBe(false);
    for (const bad of [undefined, '', 't=1', header?.slice(0, -1), `${header} `]) {
      expect(isFromRunledger(bad, body, key, seconds)).toBe(false);
    }
  });
});

describe('what the page shows', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('is the message that is sent, member for member', () => {
    const shown = JSON.parse(block('json'));
    const real = { ...alertMessage(), delivery: '7-1' };
    expect(Object.keys(shown).sort()).toEqual(Object.keys(real).sort());
    expect(Object.keys(shown.run).sort()).toEqual(Object.keys(real.run ?? {}).sort());
    expect(Object.keys(shown.links).sort()).toEqual(Object.keys(real.links).sort());
  });

  it('is SQL that runs', async () => {
    const client = new pg.Client({ connectionString: database.superuserUrl });
    await client.connect();
    const { rows } = await client.query(block('sql'));
    await client.end();
    expect(rows).toEqual([]);
  });
});
