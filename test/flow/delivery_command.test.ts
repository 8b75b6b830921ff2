/** Channels by command, SLACK_WEBHOOK_URL at start, real posts to loopback, a sender that is killed in mid-send; and no secret anywhere it should not be. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ENVIRONMENT_CHANNEL, setChannel } from '../../receiver/derive/delivery/channels.ts';
import { ensureEnvironmentChannel } from '../../receiver/derive/delivery/environment_channel.ts';
import { createPool } from '../../receiver/store/pool.ts';
import { CLI_PROGRAM } from '../helpers/cli_program.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTarget, type TestTarget } from '../helpers/hostile_server.ts';
import { clearOutbox, put } from '../helpers/outbox.ts';
import { startTestReceiver } from '../helpers/receiver.ts';

const SECRET = /SECRET-PATH|SECRET-QUERY|SECRET-KEY/;

let database: TestDatabase;
let owner: Pool;
let operators: Pool;
let folder: string;
const targets: TestTarget[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'runledger-channel-'));
  owner = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_owner', maxConnections: 2 });
  operators = createPool({ databaseUrl: database.databaseUrl, role: 'runledger_operator', maxConnections: 2 });
});
afterAll(async () => {
  await Promise.all([owner.end(), operators.end()]);
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => clearOutbox(owner));
afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
});

async function target(...parameters: Parameters<typeof startTarget>): Promise<TestTarget> {
  const started = await startTarget(...parameters);
  targets.push(started);
  return started;
}

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(args: string[]): { child: ChildProcess; ended: Promise<Outcome> } {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: database.databaseUrl, RUNLEDGER_DATA_DIR: folder };
  const child = spawn(process.execPath, [...CLI_PROGRAM, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const ended = new Promise<Outcome>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

function runledger(args: string[], stdin = ''): Promise<Outcome> {
  const { child, ended } = start(args);
  child.stdin?.end(stdin);
  return ended;
}

const channels = async () => (await owner.query('select * from runledger.alert_channels order by channel')).rows;

describe('runledger channel', () => {
  it('takes the URL from standard input, tries the channel and shows no more of it than its host', async () => {
    const host = await target();
    const added = await runledger(
      ['channel', 'add', 'hook', '--kind', 'webhook', '--url-file', '-', '--allow-private', '--json'],
      host.url,
    );
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const made = JSON.parse(added.stdout);
    expect(made).toMatchObject({
      channel: 'hook',
      host: `127.0.0.1:${host.port}`,
      secret: expect.stringMatching(/^rls_[\w-]{43}$/),
    });
    expect(await channels()).toMatchObject([
      { url: host.url, secret: made.secret, from_environment: false, allow_private: true },
    ]);

    const tried = await runledger(['channel', 'test', 'hook']);
    expect(tried).toMatchObject({ code: 0, stdout: 'Channel hook took the message (status 200)\n' });
    expect(JSON.parse(host.received[0]?.body ?? '')).toMatchObject({
      event: 'test',
      delivery: host.received[0]?.headers['runledger-delivery'],
    });
    expect(host.received[0]?.headers['runledger-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);

    const listed = await runledger(['channel', 'list']);
    expect(listed.stdout).toContain(`127.0.0.1:${host.port}`);
    for (const { stdout, stderr } of [added, tried, listed]) expect(stdout + stderr).not.toMatch(SECRET);
    expect(listed.stdout).not.toContain(made.secret);
  });

  it('resends what was given up and says how much', async () => {
    await setChannel(operators, { tenantId: 0, channel: 'hook', kind: 'webhook', url: 'https://hooks.example.org/' });
    await put(owner, 'hook');
    await owner.query(
      `update runledger.alert_deliveries set state = 'dead', finished_at = now() - interval '30 hours'`,
    );
    expect((await runledger(['channel', 'resend', 'hook', '--json'])).stdout).toContain('"messages":0');
    const resent = await runledger(['channel', 'resend', 'hook', '--days', '2']);
    expect(resent).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 message waits for channel hook again'),
    });
    expect((await owner.query('select state from runledger.alert_deliveries')).rows).toEqual([{ state: 'pending' }]);
    expect((await runledger(['channel', 'resend', 'nobody'])).code).toBe(1);
  });

  it('says what is wrong with a channel that does not take the message, without its URL', async () => {
    const host = await target((response) => response.writeHead(403).end('SECRET-KEY of somebody'));
    const file = join(folder, 'url');
    writeFileSync(file, `${host.url}\n`);
    await runledger(['channel', 'add', 'bad', '--kind', 'slack', '--url-file', file, '--allow-private']);
    const tried = await runledger(['channel', 'test', 'bad']);
    expect(tried.code).toBe(1);
    expect(tried.stderr).toContain('Channel bad did not take the message: status 403');
    expect(tried.stdout + tried.stderr).not.toMatch(SECRET);
  });

  it.each([
    ['http://hooks.example.org/SECRET-PATH', /https/],
    ['https://127.0.0.1/SECRET-PATH', /private/],
    ['https://u:SECRET-KEY@hooks.example.org/', /user name/],
    ['SECRET-PATH', /not a URL/],
  ])('may not lead to %s', async (url, message) => {
    const refused = await setChannel(operators, { tenantId: 0, channel: 'wrong', kind: 'slack', url }).catch(
      (error: Error) => error.message,
    );
    expect(refused).toMatch(message);
    expect(refused).not.toMatch(SECRET);
    expect(await channels()).toEqual([]);
  });

  it.each([
    [['--kind', 'slack', '--url', 'http://hooks.example.org/SECRET-PATH'], /https/],
    [['--kind', 'slack'], /one way/],
    [['--kind', 'webhook', '--url-file', '/nowhere/at/all'], /--url-file cannot be read \(ENOENT\)/],
    [['--kind', 'webhook', '--url', 'https://hooks.example.org/', '--tenant', 'nobody'], /no tenant nobody/],
  ])(
    'refuses add %j',
    async (args, message) => {
      const outcome = await runledger(['channel', 'add', 'wrong', ...args]);
      expect([1, 2]).toContain(outcome.code);
      expect(outcome.stderr).toMatch(message);
      expect(outcome.stdout + outcome.stderr).not.toMatch(SECRET);
      expect(await channels()).toEqual([]);
    },
    30_000,
  );

  it('changes, disables, enables and removes, and keeps the key where none is given', async () => {
    const add = ['channel', 'add', 'hook', '--kind', 'webhook', '--url', 'https://hooks.example.org/SECRET-PATH'];
    await runledger(add);
    const [before] = await channels();
    expect((await runledger([...add, '--min-severity', 'page'])).stdout).not.toContain('Key of its signatures');
    expect(await channels()).toMatchObject([{ secret: before.secret, min_severity: 'page' }]);
    const other = { tenantId: 0, channel: 'hook', kind: 'slack', url: 'https://hooks.example.org/' } as const;
    await expect(setChannel(operators, other)).rejects.toThrow('There is a channel hook of kind webhook');
    await runledger(['channel', 'disable', 'hook']);
    expect(await channels()).toMatchObject([{ enabled: false }]);
    await runledger(['channel', 'enable', 'hook']);
    expect(await channels()).toMatchObject([{ enabled: true }]);
    expect((await runledger(['channel', 'remove', 'hook'])).code).toBe(0);
    expect((await runledger(['channel', 'remove', 'hook'])).code).toBe(1);
    expect(await channels()).toEqual([]);
    const { rows } = await owner.query(
      `select act, details::text from runledger.acts where object = 'channel hook' order by act_id desc limit 5`,
    );
    const done = ['channel_remove', 'channel_enable', 'channel_disable', 'channel_change', 'channel_add'];
    expect(rows.map(({ act }) => act)).toEqual(done);
    expect(JSON.stringify(rows)).not.toMatch(SECRET);
  });
});

describe('SLACK_WEBHOOK_URL', () => {
  const logged: string[] = [];
  const log = (fields: object, message: string) => void logged.push(JSON.stringify(fields) + message);
  const ensure = (url: string | null) => ensureEnvironmentChannel(operators, url, { info: log, warn: log, error: log });
  const SLACK = 'https://hooks.example.org/services/SECRET-PATH';

  it('makes, changes and removes channel slack, at the start of a receiver', async () => {
    const receiver = await startTestReceiver(database.databaseUrl, { SLACK_WEBHOOK_URL: SLACK });
    expect(await channels()).toMatchObject([
      { tenant_id: 0, channel: 'slack', kind: 'slack', url: SLACK, from_environment: true },
    ]);
    await receiver.close();
    expect(JSON.stringify(receiver.logged)).not.toMatch(SECRET);
    await ensure(`${SLACK}-2`);
    expect(await channels()).toMatchObject([{ url: `${SLACK}-2` }]);
    await ensure(null);
    expect(await channels()).toEqual([]);
    expect(logged.join()).not.toMatch(SECRET);
  });

  it('stays disabled when somebody disabled it, and cannot be removed or changed by hand', async () => {
    await ensure(SLACK);
    await runledger(['channel', 'disable', 'slack']);
    await ensure(SLACK);
    expect(await channels()).toMatchObject([{ enabled: false }]);
    const removed = await runledger(['channel', 'remove', 'slack']);
    expect(removed.stderr).toContain('SLACK_WEBHOOK_URL');
    const changed = await runledger([
      'channel',
      'add',
      'slack',
      '--kind',
      'slack',
      '--url',
      'https://other.example.org/',
    ]);
    expect(changed.stderr).toContain('SLACK_WEBHOOK_URL');
    expect(await channels()).toMatchObject([{ url: SLACK }]);
  });

  it('leaves a channel made by hand alone, with a warning; a bad one stops the start', async () => {
    await setChannel(operators, { ...ENVIRONMENT_CHANNEL, kind: 'slack', url: 'https://other.example.org/' });
    await ensure(SLACK);
    expect(await channels()).toMatchObject([{ url: 'https://other.example.org/', from_environment: false }]);
    expect(logged.at(-1)).toContain('SLACK_WEBHOOK_URL is not used');
    await ensure(null);
    expect(await channels()).toHaveLength(1);
    await expect(ensure('https://10.0.0.1/SECRET-PATH')).rejects.toThrow(/SLACK_WEBHOOK_URL cannot be used.*private/);
  });
});

describe('a sender that is killed between sending and recording', () => {
  it('sends the message once more, under the same id, and never loses it', async () => {
    let kill = () => undefined as unknown;
    const host = await target((response, _request, count) => {
      if (count > 1) response.end('ok');
      else kill();
    });
    await setChannel(operators, { tenantId: 0, channel: 'hook', kind: 'webhook', url: host.url, allowPrivate: true });
    const id = await put(owner, 'hook');
    const { child, ended } = start(['job', 'run', 'deliver_alerts']);
    kill = () => child.kill('SIGKILL');
    await ended;
    expect(host.received).toHaveLength(1);
    const [row] = (
      await owner.query('select state, attempts, next_attempt_at > now() as waits from runledger.alert_deliveries')
    ).rows;
    expect(row).toEqual({ state: 'pending', attempts: 1, waits: true });

    // The minute for which the dead sender holds channel and message goes by.
    await owner.query(
      `update runledger.alert_channels set leased_until = leased_until - interval '61 seconds', posted_at = '{}'`,
    );
    await owner.query(
      `update runledger.alert_deliveries set next_attempt_at = next_attempt_at - interval '61 seconds'`,
    );
    const again = await runledger(['job', 'run', 'deliver_alerts', '--json']);
    expect(JSON.parse(again.stdout)).toEqual({ job: 'deliver_alerts', sent: 1, failed: 0, dead: 0 });
    expect(host.received.map(({ headers }) => headers['runledger-delivery'])).toEqual([id, id]);
  });
});

describe('a failure', () => {
  it('leaves no secret in rows, logs or results, whatever the other side says', async () => {
    const host = await target((response) => response.writeHead(500, { 'x-leak': 'SECRET-KEY' }).end('SECRET-KEY'));
    for (const kind of ['slack', 'webhook', 'alertmanager'] as const) {
      await setChannel(operators, { tenantId: 0, channel: kind, kind, url: host.url, allowPrivate: true });
      await put(owner, kind);
    }
    const outcome = await runledger(['job', 'run', 'deliver_alerts']);
    expect(outcome.stdout).toContain('failed 3');
    expect(outcome.stdout + outcome.stderr).not.toMatch(SECRET);
    const { rows } = await owner.query('select * from runledger.alert_deliveries');
    expect(rows.map((row) => row.last_error)).toEqual(['status 500', 'status 500', 'status 500']);
    expect(JSON.stringify(rows)).not.toMatch(SECRET);
    // The API's role sees neither address nor key, the reader's not even the host.
    await expect(operators.query('select url from runledger.alert_channels')).rejects.toMatchObject({ code: '42501' });
    await expect(operators.query('select secret from runledger.alert_channels')).rejects.toMatchObject({
      code: '42501',
    });
  });
});
