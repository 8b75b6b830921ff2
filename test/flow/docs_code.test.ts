/** The code of every page: TypeScript that compiles against the package and fills a ledger, SQL that runs, configuration that its program would take. */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../receiver/config.ts';
import { variables } from '../../receiver/config_variables.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { blocksFor, ROOT } from '../helpers/docs_blocks.ts';
import { programOf } from '../helpers/docs_code.ts';
import { startTestReceiver, type TestReceiver } from '../helpers/receiver.ts';

/** Limits are for machines that are twenty times slower than a quiet one. */
const LIMIT_MS = 5 * 60_000;
const run = promisify(execFile);
const named = <B extends { page: string; line: number }>(blocks: B[]) =>
  blocks.map((block): [string, B] => [`${block.page}:${block.line}`, block]);

let folder: string;
let database: TestDatabase;
let receiver: TestReceiver;
let superuser: pg.Pool;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runledger-docs-code-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  database = await createTestDatabase();
  receiver = await startTestReceiver(database.databaseUrl);
  superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
}, LIMIT_MS);
afterAll(async () => {
  await superuser?.end();
  await receiver?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
}, LIMIT_MS);

describe('TypeScript', () => {
  const blocks = blocksFor('typescript');
  const files = blocks.map(({ page, line }) => `${page.replaceAll(/\W/g, '-')}-${line}.ts`);
  const config = () => join(folder, 'tsconfig.json');

  beforeAll(() => {
    for (const [index, block] of blocks.entries()) writeFileSync(join(folder, files[index] ?? ''), programOf(block));
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      types: ['node'],
      // The sources stand for the installed package, so that the samples are those of this version whether it is built or not.
      paths: { 'runledger/sdk': [join(ROOT, 'sdk/index.ts')] },
    };
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(config(), JSON.stringify({ compilerOptions, files }));
  });

  it(
    'compiles, in full strictness',
    async () => {
      expect(files.length).toBeGreaterThan(4);
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      const { stdout } = await run(process.execPath, [tsc, '-p', config()]).catch((error: { stdout: string }) => error);
      expect(stdout).toBe('');
    },
    LIMIT_MS,
  );

  it.each(named(blocks))(
    '%s runs, and the ledger has what it did',
    async (_name, block) => {
      const file = join(folder, `${block.page.replaceAll(/\W/g, '-')}-${block.line}.ts`);
      const { PATH = '', HOME = '' } = process.env;
      const env = {
        PATH,
        HOME,
        TSX_TSCONFIG_PATH: config(),
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.urls.otlpHttp,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${receiver.ingestToken}`,
        RUNLEDGER_TOKEN: receiver.ingestToken,
      };
      const count = async () =>
        Number(
          (await superuser.query("select count(*) from enrichment_runs where status = 'succeeded' and complete"))
            .rows[0]?.count,
        );
      const before = await count();
      const { stderr } = await run(process.execPath, ['--import', 'tsx', file], { cwd: folder, env });
      expect(stderr).toBe('');
      const runs = block.text.includes('NodeSDK') ? 0 : 1;
      expect(await count()).toBe(before + runs);
    },
    LIMIT_MS,
  );
});

describe('JavaScript', () => {
  it.each(named(blocksFor('javascript')))('%s is JavaScript', async (name, { text }) => {
    const file = join(folder, `${name.replaceAll(/\W/g, '-')}.mjs`);
    writeFileSync(file, text);
    await run(process.execPath, ['--check', file]);
  });
});

describe('SQL', () => {
  it.each(named(blocksFor('sql')))('%s runs on a migrated database', async (_name, { text }) => {
    const client = await superuser.connect();
    try {
      await client.query('begin');
      await client.query(text);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});

interface Scrape {
  job_name: string;
  metrics_path?: string;
  static_configs: { targets: string[] }[];
}

describe('YAML', () => {
  it.each(named(blocksFor('yaml')))('%s is what its program takes', async (_name, { text }) => {
    const config = parse(text) as { rule_files?: string[]; scrape_configs?: Scrape[] };
    // A form that nobody checks here needs its check, or its place in the list of blocks that are executed elsewhere.
    expect(Object.keys(config).filter((key) => !['rule_files', 'scrape_configs'].includes(key))).toEqual([]);
    for (const file of config.rule_files ?? [])
      expect(existsSync(join(ROOT, 'deploy/prometheus', file)), file).toBe(true);
    for (const { metrics_path: path = '/metrics', static_configs } of config.scrape_configs ?? []) {
      expect(static_configs).toEqual([{ targets: ['127.0.0.1:8080'] }]);
      const answer = await fetch(receiver.urls.api + path, {
        headers: { Authorization: `Bearer ${receiver.adminToken}` },
      });
      expect([answer.status, (await answer.text()).includes('# TYPE runledger_')]).toEqual([200, true]);
    }
  });
});

describe('variables', () => {
  const blocks = blocksFor('env');

  it.each(named(blocks))('%s are known, and the receiver takes them with those above on the page', (_name, block) => {
    const above = blocks.filter(({ page, line }) => page === block.page && line <= block.line);
    const environment: Record<string, string> = {};
    for (const line of above.flatMap(({ text }) => text.trim().split('\n'))) {
      const [, name = '', value = ''] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
      expect(isKnown(name), line).toBe(true);
      // A page that shows a variable and then its file shows two ways.
      delete environment[name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : `${name}_FILE`];
      environment[name] = value.startsWith('/run/secrets/') ? secretFile(name) : value;
    }
    expect(() => loadConfig({}, environment)).not.toThrow();
    const files = environment.COMPOSE_FILE?.split(':') ?? [];
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('one that nobody knows, and a value that is not allowed, are seen', () => {
    expect([isKnown('RUNLEDGER_COLOUR'), isKnown('RUNLEDGER_HOST_FILE'), isKnown('LOG_LEVEL')]).toEqual([
      false,
      false,
      true,
    ]);
    expect(() => loadConfig({}, { LOG_LEVEL: 'loud' })).toThrow('LOG_LEVEL');
  });

  function secretFile(name: string): string {
    const urls: Record<string, string> = {
      DATABASE_URL_FILE: 'postgres://ledger:password@db.example.com/ledger',
      SLACK_WEBHOOK_URL_FILE: 'https://hooks.slack.com/services/x',
    };
    writeFileSync(join(folder, name), urls[name] ?? 'a-secret-of-the-test');
    return join(folder, name);
  }

  /** To the receiver, a secret also by its file; or to docker-compose.yml. */
  function isKnown(name: string): boolean {
    const receivers = Object.entries(variables).flatMap(([one, { secret }]) => (secret ? [one, `${one}_FILE`] : [one]));
    const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
    return receivers.includes(name) || new RegExp(`^(# )?${name}=`, 'm').test(example);
  }
});
