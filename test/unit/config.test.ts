/** Configuration: defaults, every mistake named at once, secrets from files and never shown. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ConfigError, describeConfig, isLoopback, loadConfig, secretValues } from '../../receiver/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'runledger-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const problemsOf = (environment: Record<string, string>) => {
  try {
    loadConfig({}, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

test('an empty environment gives the documented defaults', () => {
  expect(loadConfig({}, {})).toMatchObject({
    databaseUrl: null,
    dataDir: resolve('.runledger'),
    host: '127.0.0.1',
    otlpHttpPort: 4318,
    otlpGrpcPort: 4317,
    httpPort: 8080,
    adminToken: null,
    eventRetentionDays: 30,
    qaRetentionDays: 90,
    tenantAutocreate: false,
    logLevel: 'info',
  });
});

test('nothing can change the configuration later', () => {
  const config = loadConfig({}, { RUNLEDGER_LINK_HOSTS: 'a.example, B.example' });
  expect(config.linkHosts).toEqual(['a.example', 'b.example']);
  expect([config, config.linkHosts, config.langsmith].every(Object.isFrozen)).toBe(true);
});

test('all mistakes are named at once, with what is allowed, without a secret’s value', () => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://root:hunter22@db/x',
    RUNLEDGER_OTLP_HTTP_PORT: '70000',
    RUNLEDGER_EVENT_RETENTION_DAYS: '0',
    RUNLEDGER_TENANT_AUTOCREATE: 'maybe',
    RUNLEDGER_ADMIN_TOKEN: 'short',
    RUNLEDGER_LINK_HOSTS: 'https://smith.example/path',
    JAEGER_UI_URL: 'javascript:alert(1)',
    LOG_LEVEL: 'loud',
  });
  expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
    'DATABASE_URL',
    'JAEGER_UI_URL',
    'LOG_LEVEL',
    'RUNLEDGER_ADMIN_TOKEN',
    'RUNLEDGER_EVENT_RETENTION_DAYS',
    'RUNLEDGER_LINK_HOSTS',
    'RUNLEDGER_OTLP_HTTP_PORT',
    'RUNLEDGER_TENANT_AUTOCREATE',
  ]);
  expect(problems.join('\n')).toContain('RUNLEDGER_OTLP_HTTP_PORT: must be a whole number from 0 to 65535');
  expect(problems.join('\n')).not.toMatch(/hunter22|short\b/);
});

test.each(['-1', '1e3', '4318.5', ' ', '0x10', '99999999999'])(
  'port "%s" is refused or unset, never guessed',
  (port) => {
    const problems = problemsOf({ RUNLEDGER_HTTP_PORT: port });
    expect(problems.length).toBe(port.trim() === '' ? 0 : 1);
  },
);

test('two servers on one port are refused by name', () => {
  expect(problemsOf({ RUNLEDGER_HTTP_PORT: '4318' })).toEqual([
    'RUNLEDGER_HTTP_PORT: port 4318 is already taken by RUNLEDGER_OTLP_HTTP_PORT; give each its own',
  ]);
  expect(problemsOf({ RUNLEDGER_HTTP_PORT: '0', RUNLEDGER_OTLP_HTTP_PORT: '0' })).toEqual([]);
});

test('a secret comes from a file, its line end cut', () => {
  const path = file('token', 'file-token-0123456789\n');
  expect(loadConfig({}, { RUNLEDGER_INGEST_TOKEN_FILE: path }).ingestToken).toBe('file-token-0123456789');
});

test('a secret file that is missing, empty or doubled is named', () => {
  expect(problemsOf({ RUNLEDGER_INGEST_TOKEN_FILE: join(folder, 'missing') })).toEqual([
    'RUNLEDGER_INGEST_TOKEN_FILE: the file cannot be read (ENOENT)',
  ]);
  expect(problemsOf({ RUNLEDGER_INGEST_TOKEN_FILE: file('empty', '\n') })[0]).toContain('the file is empty');
  const both = { RUNLEDGER_ADMIN_TOKEN: 'a'.repeat(20), RUNLEDGER_ADMIN_TOKEN_FILE: file('both', 'b'.repeat(20)) };
  expect(problemsOf(both)[0]).toContain('not both');
});

test('a flag wins over the environment, which wins over the default', () => {
  expect(loadConfig({ RUNLEDGER_HTTP_PORT: '9001' }, { RUNLEDGER_HTTP_PORT: '9002' }).httpPort).toBe(9001);
  const lines = describeConfig({ RUNLEDGER_HTTP_PORT: '9001' }, { RUNLEDGER_OTLP_HTTP_PORT: '9002' });
  const source = (name: string) => lines.find((line) => line.name === name)?.source;
  expect([source('RUNLEDGER_HTTP_PORT'), source('RUNLEDGER_OTLP_HTTP_PORT'), source('RUNLEDGER_HOST')]).toEqual([
    'flag',
    'environment',
    'default',
  ]);
});

const SECRETS = {
  DATABASE_URL: 'postgres://ledger:p%40ssw0rd-long@db.example:5433/runs?sslmode=require',
  RUNLEDGER_ADMIN_TOKEN: 'admin-token-0123456789',
  RUNLEDGER_INGEST_TOKEN: 'ingest-token-0123456789',
  SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T000/B000/XXXXXXXX',
  LANGSMITH_API_KEY: 'lsv2_pt_0123456789',
};

test('describing the configuration shows which database, and no secret', () => {
  const lines = describeConfig({}, SECRETS);
  const text = JSON.stringify(lines);
  for (const secret of ['p%40ssw0rd', 'p@ssw0rd', 'admin-token', 'ingest-token', 'XXXXXXXX', 'lsv2']) {
    expect(text).not.toContain(secret);
  }
  expect(lines.find((line) => line.name === 'DATABASE_URL')?.value).toBe('postgres://ledger:****@db.example:5433/runs');
});

test('every secret, and the password inside the database URL, is handed to the log for masking', () => {
  const secrets = secretValues(loadConfig({}, SECRETS));
  expect(secrets).toEqual(expect.arrayContaining([...Object.values(SECRETS), 'p@ssw0rd-long']));
});

test('loopback is recognised', () => {
  expect(['127.0.0.1', '127.9.9.9', 'localhost', '::1'].map(isLoopback)).toEqual([true, true, true, true]);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example'].map(isLoopback)).toEqual([false, false, false, false]);
});

test('links lead to this machine unless told otherwise, and never carry a password or a query', () => {
  const publicUrl = (environment: Record<string, string>) => loadConfig({}, environment).publicUrl;
  expect(publicUrl({})).toBe('http://127.0.0.1:8080');
  expect(publicUrl({ RUNLEDGER_HTTP_PORT: '9001', RUNLEDGER_HOST: '::1' })).toBe('http://[::1]:9001');
  expect(publicUrl({ RUNLEDGER_HOST: '0.0.0.0' })).toBe('http://127.0.0.1:8080');
  expect(publicUrl({ RUNLEDGER_PUBLIC_URL: 'https://ledger.example.com/base/' })).toBe(
    'https://ledger.example.com/base',
  );
  for (const wrong of ['ledger.example.com', 'ftp://a.example', 'https://u:p@a.example', 'https://a.example/?x=1'])
    expect(problemsOf({ RUNLEDGER_PUBLIC_URL: wrong })).toHaveLength(1);
});
