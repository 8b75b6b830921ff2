/**
 * Backup and restore: every row of every table comes back, while a backup is made ingest goes on and the copy is still one moment, a file that is
 * damaged or of another schema changes nothing, and what is sent again after a restore is known.
 */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeBackup } from '../../receiver/store/backup.ts';
import { readBackup } from '../../receiver/store/restore.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { withClient } from '../helpers/database_admin.ts';
import { postTraces, runSpanJson, startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

const run = promisify(execFile);
const RUNS = 60;
const MINUTE_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'runledger-backup-'));
const everything = runWithEverything();
const made: TestDatabase[] = [];
const file = join(folder, 'ledger.gz');
let source: TestDatabase;
let receiver: TestReceiver;

beforeAll(async () => {
  source = await freshDatabase();
  receiver = await startTestReceiver(source.databaseUrl);
  await postTraces(receiver, everything);
  for (let number = 1; number <= RUNS; number++) await postTraces(receiver, runSpanJson(7, `night-${number}`, number));
  await receiver.close();
  await writeBackup(source.databaseUrl, file, { version: '0.0.0-test' });
}, MINUTE_MS);

afterAll(async () => {
  for (const database of made) await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function freshDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  made.push(database);
  return database;
}

/** Texts that COPY must escape, an address that is hashed under this installation's key, a named tenant, an item, a call, a metric. */
function runWithEverything(): string {
  const nowMs = Date.now();
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const common = [text('runledger.tenant.id', 'acme'), text('runledger.run.id', 'odd\tkey \\. \\N "x"')];
  const span = (number: number, kind: string, more: object[]) => ({
    traceId: 'ab'.repeat(16),
    spanId: number.toString(16).padStart(16, '0'),
    ...(number === 1 ? {} : { parentSpanId: '0000000000000001' }),
    name: kind,
    kind: 1,
    startTimeUnixNano: `${nowMs - 900}000000`,
    endTimeUnixNano: `${nowMs}000000`,
    attributes: [...common, text('runledger.kind', kind), ...more],
  });
  const spans = [
    span(1, 'run', [
      text('runledger.pipeline', 'nightly'),
      text('note', 'line\nbreak\\'),
      text('runledger.metric.x', '3'),
    ]),
    span(2, 'stage', [text('runledger.stage', 'crawl')]),
    span(3, 'item', [text('runledger.stage', 'crawl'), text('runledger.item.id', 'anna@example.com')]),
    span(4, 'vendor_call', [text('runledger.stage', 'crawl'), text('runledger.vendor', 'hunter')]),
  ];
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

/** Of every table its number of rows and a checksum over them, partitions apart. */
async function checksums(databaseUrl: string): Promise<Record<string, string>> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname in ('public', 'runledger') and c.relkind in ('r', 'p') and c.relname <> 'applied_files' order by 1`,
    );
    const sums: Record<string, string> = {};
    for (const { name } of rows) {
      const counted = await client.query<{ sum: string }>(
        `select count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as sum from ${name} t`,
      );
      sums[name] = counted.rows[0]?.sum ?? '';
    }
    return sums;
  });
}

function restore(database: TestDatabase, path = file) {
  return readBackup(database.databaseUrl, path);
}

test('every row of every table comes back, and every number that was handed out', async () => {
  const target = await freshDatabase();
  const result = await restore(target);
  const [before, after] = [await checksums(source.databaseUrl), await checksums(target.databaseUrl)];
  // Its times say when this database was made.
  for (const sums of [before, after]) delete sums['runledger.schema_migrations'];
  expect(after).toEqual(before);
  expect(result.rows).toBeGreaterThan(RUNS * 2);
  const sequences = `select schemaname, sequencename, last_value from pg_sequences where schemaname in ('public', 'runledger') order by 1, 2`;
  const [own, theirs] = [await ask(target, sequences), await ask(source, sequences)];
  expect(own).toEqual(theirs);
  expect(own.filter(({ last_value }) => last_value !== null).length).toBeGreaterThan(2);
});

test('what is sent again after a restore is known, and what is new gets a new number', async () => {
  const target = await freshDatabase();
  await restore(target);
  const before = await checksums(target.databaseUrl);
  const again = await startTestReceiver(target.databaseUrl);
  await postTraces(again, everything);
  const counters = ['public.run_event_logs', 'public.run_stage_stats', 'public.run_vendor_usage', 'public.run_metrics'];
  const after = await checksums(target.databaseUrl);
  for (const name of counters) expect([name, after[name]]).toEqual([name, before[name]]);
  expect((await postTraces(again, runSpanJson(7, 'the-next-night', 999))).status).toBe(200);
  await again.close();
  const rows = await ask(
    target,
    'select count(*)::int as runs, count(distinct run_id)::int as ids from enrichment_runs',
  );
  expect(rows).toEqual([{ runs: RUNS + 2, ids: RUNS + 2 }]);
});

test('a backup that is made while spans arrive is one moment: its counters are the sums of its events', async () => {
  const busy = await freshDatabase();
  const sender = await startTestReceiver(busy.databaseUrl);
  let stop = false;
  let sent = 0;
  const load = async (tenant: number) => {
    for (let number = 1; !stop; number++) {
      if (
        (await postTraces(sender, runSpanJson(tenant, `busy-${number % 7}`, tenant * 100_000 + number))).status === 200
      )
        sent++;
    }
  };
  const senders = [8, 9].map(load);
  await expect.poll(() => sent).toBeGreaterThan(50);
  const path = join(folder, 'busy.gz');
  await writeBackup(busy.databaseUrl, path, { version: '0.0.0-test' });
  const sentBy = sent;
  await expect.poll(() => sent).toBeGreaterThan(sentBy + 20);
  stop = true;
  await Promise.all(senders);
  await sender.close();
  const target = await freshDatabase();
  await restore(target, path);
  const { stdout } = await command(['audit', '--json', '--database-url', target.databaseUrl]);
  expect(JSON.parse(stdout)).toMatchObject({ difference: 0 });
  const [events] = await ask(target, "select count(*)::int as rows from run_event_logs where event = 'finish'");
  expect(events?.rows).toBeGreaterThan(50);
  expect(events?.rows).toBeLessThan(sent);
});

test('a file that is cut off, damaged, of another schema or none at all is refused, and the database stays as it was', async () => {
  const target = await freshDatabase();
  const before = await checksums(target.databaseUrl);
  const plain = gunzipSync(readFileSync(file));
  const changed = (text: string, by: string) =>
    gzipSync(Buffer.from(plain.toString('latin1').replace(text, by), 'latin1'));
  const bad: [string, Buffer, RegExp][] = [
    ['cut', readFileSync(file).subarray(0, statSync(file).size / 2), /ends too early/],
    ['cut-plain', gzipSync(plain.subarray(0, plain.length - 40)), /ends too early|no JSON/],
    ['text', Buffer.from('hello'), /no gzip/],
    ['other', gzipSync('{"format":"something"}\n'), /no backup of Runledger/],
    ['newer', changed('"0001_tables"', '"0001_tables","9999_future"'), /newer version/],
    ['older', changed(',"0004_qa_and_trends"', ''), /before 0004_qa_and_trends/],
    ['columns', changed('copy public.run_metrics (', 'copy public.run_metrics (x, '), /other columns/],
    ['statement', changed('copy runledger.tokens (', 'drop table runledger.tokens; copy ('), /other columns/],
    ['fewer', changed(`{"rows":${RUNS + 1}}`, '{"rows":1}'), /damaged/],
  ];
  for (const [name, content, says] of bad) {
    const path = join(folder, `${name}.gz`);
    writeFileSync(path, content);
    await expect(restore(target, path), name).rejects.toThrow(says);
  }
  await expect(restore(target, join(folder, 'nowhere.gz'))).rejects.toThrow(/ENOENT/);
  expect(await checksums(target.databaseUrl)).toEqual(before);
});

test('a ledger with data, one at work, and a login without the right are refused', async () => {
  await expect(restore(source)).rejects.toThrow(/tenants or runs already/);
  const target = await freshDatabase();
  const atWork = await startTestReceiver(target.databaseUrl);
  await expect(restore(target)).rejects.toThrow(/at work/);
  await atWork.close();
  const login = `${target.name}_weak`;
  await ask(target, `create role ${login} login password 'weak'`);
  const url = new URL(target.databaseUrl);
  url.username = login;
  url.password = 'weak';
  await expect(readBackup(url.href, file)).rejects.toThrow(/row-level security/);
  await ask(target, `drop role ${login}`);
});

test('a backup is for its owner only, never replaces a file, and leaves none behind when it fails', async () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { code, stderr } = await command(['backup', file]).catch((error) => error);
  expect([code, stderr]).toEqual([2, expect.stringContaining('is there already')]);
  const unmade = join(folder, 'unmade.gz');
  await ask(source, `update runledger.settings set value = 'true' where name = 'adopted'`);
  await expect(writeBackup(source.databaseUrl, unmade, { version: 'x' })).rejects.toThrow(/pg_dump/);
  await ask(source, `update runledger.settings set value = 'false' where name = 'adopted'`);
  expect([existsSync(unmade), existsSync(`${unmade}.part`)]).toEqual([false, false]);
  truncateSync(join(folder, 'text.gz'));
});

test(
  'the commands, from one embedded ledger into a new one',
  async () => {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    const target = await command(
      ['token', 'create', '--kind', 'tenant', '--tenant', '7', '--json', '--data-dir', from],
      true,
    );
    expect(JSON.parse(target.stdout).token).toMatch(/^rlt_/);
    const path = join(folder, 'embedded.gz');
    const backup = JSON.parse((await command(['backup', path, '--json', '--data-dir', from], true)).stdout);
    expect(backup).toMatchObject({ file: path, bytes: statSync(path).size });
    const restored = JSON.parse((await command(['restore', path, '--json', '--data-dir', to], true)).stdout);
    expect(restored).toMatchObject({ rows: backup.rows, tables: backup.tables, difference: 0 });
    const tokens = JSON.parse((await command(['token', 'list', '--json', '--data-dir', to], true)).stdout);
    expect(tokens).toMatchObject([{ kind: 'tenant', tenant_id: 7 }]);
    const refused = await command(['restore', path, '--data-dir', to], true).catch((error) => error);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('into an empty one only')]);
  },
  3 * MINUTE_MS,
);

function command(args: string[], embedded = false): Promise<{ stdout: string; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, ...(embedded ? {} : { DATABASE_URL: source.databaseUrl, RUNLEDGER_DATA_DIR: folder }) };
  return run(process.execPath, [...CLI_PROGRAM, ...args], { env });
}

function ask(database: TestDatabase, text: string): Promise<pg.QueryResultRow[]> {
  return withClient(database.superuserUrl, async (client: pg.Client) => (await client.query(text)).rows);
}
